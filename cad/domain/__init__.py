"""Values that cross package borders, and the ports between packages.

Pure: no clock, no sockets, no asyncio.
"""
