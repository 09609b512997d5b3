"""Where events go: the durable outbox and its destinations."""
