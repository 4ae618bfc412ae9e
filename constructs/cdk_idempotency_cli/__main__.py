"""`python -m cdk_idempotency_cli`, the same as the command `cdk-idempotency`."""

from .main import main

main()
