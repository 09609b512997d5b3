"""This device towards the platform: registration, keepalive, tokens."""
