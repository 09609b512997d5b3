"""Settings: what can be configured, its defaults, and how it is loaded."""
