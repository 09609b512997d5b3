"""Services and tasks: their state, and their placement on analysis workers."""
