"""A client of the Redis server that an SSM parameter names: its settings, credentials, connections.

Unlike redis-py's defaults, it keeps within the invocation's time and follows changing passwords.
"""
