"""The Secrets Manager rotation function of a Redis user's password."""
