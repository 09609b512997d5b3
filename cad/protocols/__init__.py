"""Protocols without I/O: bytes and the time go in, messages and bytes come out."""
