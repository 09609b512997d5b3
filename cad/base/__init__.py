"""Errors, time, supervision and the border between threads and the loop. Standard library only."""
