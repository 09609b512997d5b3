"""The data plane: all that runs in an analysis worker process, and nothing else."""
