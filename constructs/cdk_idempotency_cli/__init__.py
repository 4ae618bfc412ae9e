"""The command `cdk-idempotency`: idempotency records for the person on call."""
