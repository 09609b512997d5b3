"""The standard's JSON: the envelope and one module for each annex."""
