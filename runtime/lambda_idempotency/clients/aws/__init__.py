"""A light client for the few AWS operations that the runtime needs.

boto3 costs a quarter of a second of every cold start and about a millisecond of CPU per request,
five times what a hand-signed request takes; on a small Lambda function that is what users wait for.
"""
