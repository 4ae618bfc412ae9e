"""The bytes that Lambda's own client sends for a result: awslambdaric 4.2.2, with simplejson 4.3.0.

Stated again from `lambda_runtime_marshaller.py` and compared with it by hand, because the package
has no wheel for every platform.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def sent(result: Any, *, escapes: bool = True) -> bytes:
    """Return the bytes. `escapes`: as up to Python 3.11. Raises any error if it cannot be sent."""
    return bytes(result) if isinstance(result, bytes) else _text(result, escapes=escapes).encode()


def _text(value: Any, *, escapes: bool) -> str:
    if isinstance(value, bytes):
        value = value.decode()
    if value is None or isinstance(value, str | int | float):
        return json.dumps(value, ensure_ascii=escapes)
    fields = getattr(value, "_asdict", None)
    if callable(fields):
        value = fields()
    if isinstance(value, dict):
        pairs = [
            f"{_name(name, escapes=escapes)}: {_text(part, escapes=escapes)}"
            for name, part in value.items()
        ]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join([_text(part, escapes=escapes) for part in value]) + "]"
    if isinstance(value, Decimal):
        return "NaN" if value.is_nan() else str(value)
    raise TypeError


def _name(name: Any, *, escapes: bool) -> str:
    if isinstance(name, str | bytes):
        return _text(name, escapes=escapes)
    if name is None or isinstance(name, int | float):
        return f'"{_text(name, escapes=escapes)}"'
    raise TypeError
