"""Where events go: the durable outbox and its destinations.

`Outbox` takes an event over and returns when it is on disk. `Dispatcher` empties the queues, one
for each task and destination: within a queue strictly in order, the queues independent of each
other. What follows an attempt is decided by `queue`, which is pure; how an event travels is the
business of a `Sink`, one for each type of destination.
"""
