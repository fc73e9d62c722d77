"""One agent: one pod, one GPU, one volume."""
