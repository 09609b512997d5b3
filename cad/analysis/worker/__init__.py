"""The analysis worker: one process for one accelerator, started by the daemon.

    python -m cad.analysis.worker --socket-fd N --settings JSON

It keeps nothing: after a start the daemon sends its whole assignment over the inherited socket, and
when that socket closes the process exits. `__main__` is the process (arguments, signals, exit),
`link` the socket, `process` obeys orders, `assignment` holds what was ordered and brings streams,
services and tasks together, `run` is how one task goes.

An asyncio loop speaks with the daemon; reading streams, loading engines, inference and snapshots
have threads of their own.
"""
