"""Requests to AWS by boto3. Its own errors may quote what was sent: passwords."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as LostError

from .errors import RefusedError, RotationError


def call(client: Any, operation: str, *, about: str, **request: Any) -> Any:
    """Send a request and return the response; `about` names its subject in errors.

    Raises `RefusedError` with AWS's code, and `RotationError` if there is no answer.
    """
    failure: RotationError
    try:
        return getattr(client, operation)(**request)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "Unknown")
        failure = RefusedError(f"{operation} for {about} was refused: {_words(error)}", code=code)
    except (HTTPClientError, LostError) as error:
        failure = RotationError(
            f"{operation} for {about} had no answer ({type(error).__name__}). Is there a route to "
            "the service, such as a VPC endpoint?"
        )
    except BotoCoreError as error:
        failure = RotationError(f"{operation} for {about} failed: {type(error).__name__}")
    raise failure  # outside the `except`, so that no traceback shows boto3's error


def _words(error: ClientError) -> str:
    """Return AWS's code; if access is denied, add the message: it names the right, not a value."""
    details = error.response.get("Error", {})
    code = str(details.get("Code", "Unknown"))
    return f"{code}: {details.get('Message', '')}" if code.startswith("AccessDenied") else code
