"""Makes algorithm file packages (AM-91): for cadctl, for the simulators, for tests.

The device takes packages apart in `cad.control.packages`; here they are put together. Both know the
manifest from `cad.wire.manifest`, and nothing of each other.
"""
