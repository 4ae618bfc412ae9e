"""A client of the Redis server that an SSM parameter names: its settings, credentials, connections.

Built for an invocation's time instead of redis-py's defaults, and for passwords that change.
"""
