"""cadctl: a client of the local API, nothing else."""
