"""Clients of Redis and Valkey, without redis-py.

`resp` and `slots` know the protocols and do no I/O. A `Node` has the connections to one server, a
`Cluster` finds the node of a key. A client (`base`) follows changes of settings and passwords, and
sends again until the call's time ends: `parameter` for settings in an SSM parameter, `fixed` for a
URL or settings in the code.
"""
