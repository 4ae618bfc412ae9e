"""The name of a durable execution that a caller starts: one for each key.

    name = SHA-256, in hex, of "{function}:" and the key's canonical JSON

A name that is taken is the same execution, or an error where the payload differs, until the
retention period of its execution has ended. Callers in other languages can make the same name.
https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

from ..errors import ConfigurationError, MissingKeyError
from .keys import canonical_bytes, lacks_a_part
from .values import is_empty

_FUNCTION: Final = re.compile(r"[A-Za-z0-9_-]+")


def execution_name(key: Any, *, function: str) -> str:
    """Return the `DurableExecutionName` of the execution that `function` has for this key.

    `key` is what makes two requests the same: a text, a number, or a list of them. Where several
    tenants or callers choose their own keys, put the tenant or caller before it. `function` is the
    name of the durable function, without version or alias, so that all callers make the same name,
    and two functions never do: Lambda may know a name in its whole account and region. The name has
    64 hexadecimal digits, as many as Lambda allows, and never the key.

    Raises `MissingKeyError` for a key that is null or empty, lacks a part, or has no JSON, and
    `ConfigurationError` for another form of the function's name.
    """
    if not isinstance(function, str) or _FUNCTION.fullmatch(function) is None:
        raise ConfigurationError(
            f"execution_name: function is {function!r}; expected the name of the durable function "
            "alone, as in 'orders': no ARN, no version, no alias"
        )
    if is_empty(key) or lacks_a_part(key):
        raise MissingKeyError(
            "execution_name: the key, or a part of it, is missing or empty; all such requests "
            "would be one execution"
        )
    return sha256(f"{function}:".encode() + canonical_bytes("key", key)).hexdigest()
