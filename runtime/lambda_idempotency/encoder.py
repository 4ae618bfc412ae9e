"""JSON's encoder and decoder, made once. The standard library makes the encoder's C code for each
value, which takes longer than to write a small one."""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder as library
from typing import Any


def _unwritable(value: Any) -> Any:
    raise TypeError(f"a {type(value).__name__} is not JSON")


def encoder(
    *,
    ensure_ascii: bool = True,
    allow_nan: bool = True,
    sort_keys: bool = False,
    separators: tuple[str, str] = (",", ":"),
    default: Callable[[Any], Any] = _unwritable,
) -> Callable[[Any], str]:
    """Return what `json.JSONEncoder.encode` does with these options. A circle raises
    RecursionError."""
    make: Callable[..., Any] | None = getattr(library, "c_make_encoder", None)
    if make is None:  # an interpreter without the C code
        return json.JSONEncoder(
            ensure_ascii=ensure_ascii,
            check_circular=False,
            allow_nan=allow_nan,
            sort_keys=sort_keys,
            separators=separators,
            default=default,
        ).encode
    quoted = library.encode_basestring_ascii if ensure_ascii else library.encode_basestring
    between, after_name = separators
    chunks = make(None, default, quoted, None, after_name, between, sort_keys, False, allow_nan)
    join = "".join

    def encode(value: Any) -> str:
        return join(chunks(value, 0))

    return encode


def decoder(**options: Any) -> Callable[[str], Any]:
    """Return what `json.JSONDecoder.decode` does with these options: it looks for spaces around a
    text, which takes longer than to read a small one, and here only where there are some."""
    made = json.JSONDecoder(**options)
    read, read_with_spaces = made.raw_decode, made.decode

    def decode(text: str) -> Any:
        try:
            value, end = read(text)
        except ValueError:  # a space before it, or no JSON, as the other one says
            return read_with_spaces(text)
        return value if end == len(text) else read_with_spaces(text)

    return decode
