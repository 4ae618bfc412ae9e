"""`@idempotent_function`: any callable, keyed by its arguments."""
