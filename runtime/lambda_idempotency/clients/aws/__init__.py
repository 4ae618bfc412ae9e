"""A light client for the few AWS operations that the runtime needs.

boto3 adds a quarter of a second to every cold start and about a millisecond of CPU to each request,
five times what a hand-signed request takes. On a small Lambda function, users wait for that.
"""
