"""EKS as this machine plays it: moto keeps the record; each cluster is a real control plane with simulated nodes."""
