"""Errors of a Redis server in our own words: a server's may quote what it was sent."""

from __future__ import annotations

from typing import Final

from ..errors import StoreError


def foreign(key: str) -> StoreError:
    """Return the error for a value that is not a record of this library."""
    return StoreError(
        f"Redis holds something under {key} that is not an idempotency record of this library; "
        "delete it, or give this function a server or namespace of its own."
    )


def is_unknown_script(error: Exception) -> bool:
    """Tell whether the server does not know the script. It forgets scripts when it starts, and from
    Redis 7.4 and Valkey 8 on when 500 others have come since.
    """
    code = getattr(error, "status_code", None)
    return code == "NOSCRIPT" or type(error).__name__ == "NoScriptError"


def failure(verb: str, key: str, error: Exception, *, server: str) -> StoreError:
    """Return the error for a request that a server refused or did not answer. `server` is its
    name, of which a password is no part."""
    # The error code of a command in a script may come after words, or be replaced by words.
    said = f"{getattr(error, 'status_code', '')} {getattr(error, 'words', error)}"
    words = said.replace("-", " ")
    if any(refusal in said for refusal in _NO_RIGHT):
        words = "NOPERM"
    code = next((code for code in _HINTS if code in words.split()), "")
    if code == "WRONGTYPE":
        return foreign(key)
    about = f" ({code})" if code else ""
    hint = f" {_HINTS[code]}" if code else ""
    kind = type(error).__name__
    return StoreError(
        f"Redis {verb} of {key} failed at {server}: {kind}{about}.{hint}",
        code=code or kind,
        host=server,
    )


_NO_RIGHT: Final = ("The user executing the script can't", "ACL failure in script")
_HINTS: Final = {
    "WRONGTYPE": "",
    "NOPERM": (
        "The Redis user lacks a right: see access_string() in lambda_idempotency.contract.redis "
        "for what it needs."
    ),
    "OOM": "The server is full: raise its maxmemory. Records are never evicted to make room.",
    "READONLY": "The server is a replica; connect to the primary.",
    "MOVED": "The server is a node of a cluster, which needs a client for clusters.",
    "MISCONF": "The server cannot save to its disk and refuses writes.",
    "NOREPLICAS": "The server has fewer replicas than it demands for a write.",
    "BUSY": "The server is busy with somebody else's script.",
}
