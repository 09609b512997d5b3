"""The HTTP API: one module for each annex, one middleware for the envelope."""
