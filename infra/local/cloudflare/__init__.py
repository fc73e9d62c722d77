"""Cloudflare on this machine: the part of its API the program uses, and the Workers deployed through it, in workerd."""
