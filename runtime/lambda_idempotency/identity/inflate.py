"""Inflating of data from strangers, of which a few KB can claim gigabytes.

It takes time and memory in proportion to the data and to what is taken of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MOST_MEMBERS: Final = 16
"""The most gzip members, one after the other (RFC 1952, 2.2)."""

GZIP: Final = 31
"""The form of gzip, as zlib numbers it."""

GZIP_OR_ZLIB: Final = 47
"""Gzip, or zlib's own form, as the data say."""

DEFLATE: Final = -15
"""Deflate without a header."""

_PIECE: Final = 64 * 1024


class InflateError(ValueError):
    """The data are not of the form, end too early, or have too many members."""


def inflate(data: bytes, form: int, most: int) -> bytes | None:
    """Return what is in the data; None if that is more than `most` bytes. Raises `InflateError`."""
    found = bytearray()
    for piece in pieces(data, form):
        found += piece
        if len(found) > most:
            return None
    return bytes(found)


def pieces(data: bytes, form: int) -> Iterator[bytes]:
    """Yield what is in the data, at most 64 KiB at a time. Raises `InflateError`."""
    import zlib  # little is compressed

    stream, members = zlib.decompressobj(form), 1
    try:
        for at in range(0, len(data), _PIECE):  # zlib copies what it has not consumed, each time
            rest = data[at : at + _PIECE]
            while rest:
                if stream.eof:
                    stream, members = zlib.decompressobj(form), members + 1
                if members > MOST_MEMBERS:
                    raise InflateError
                yield stream.decompress(rest, _PIECE)
                rest = stream.unconsumed_tail or stream.unused_data
        while not stream.eof:
            if not (piece := stream.decompress(b"", _PIECE)):
                raise InflateError
            yield piece
    except zlib.error:
        raise InflateError from None
