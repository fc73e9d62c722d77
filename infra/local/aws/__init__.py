"""AWS as this machine plays it: moto's server, mended where it forgets what it was told."""
