"""`python -m cdk_idempotency_cli`, the same as the command `cdk-idempotency`."""

from .entry import main

main()
