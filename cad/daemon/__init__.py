"""cadd: settings, signals, exit codes."""
