"""What the daemon and an analysis worker say to each other."""
