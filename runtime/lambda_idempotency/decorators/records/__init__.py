"""`@idempotent_records`: the records of a batch, each a call of its own."""
