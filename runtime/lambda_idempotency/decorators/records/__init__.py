"""`@idempotent_records`: each record of a batch is a call of its own."""
