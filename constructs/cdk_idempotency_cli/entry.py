"""Where the command starts: its libraries are an extra, and may be missing."""

from __future__ import annotations

import sys

_LIBRARIES = ("boto3", "botocore", "click", "rich")


def main() -> None:
    """Run the command, or say how to install what it needs."""
    try:
        from .main import cli
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        sys.exit(f"{error.name} is not installed; run pip install 'cdk-idempotency[cli]'")
    cli(prog_name="cdk-idempotency")
