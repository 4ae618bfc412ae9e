"""The form in which a response's text is recorded: as it is, or compressed where that pays.

A write costs DynamoDB a unit for each KB that is stored, and so does a refused one: a replay of
100 KB costs 100 units, and the same compressed some thirty
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/
howitworks-read-write-capacity-mode.html). For Redis it is memory and network.
"""

from __future__ import annotations

from typing import Final

from ..errors import ResponseUnavailableError
from ..protocol.record import NO_BODY, Record
from ..protocol.steps import Returned

ZLIB: Final = "zlib"
"""The `encoding` of compressed text."""

IN_S3: Final = "s3"
"""The `encoding` of text in an object of S3."""

IN_S3_ZLIB: Final = "s3 zlib"
"""That of compressed text in an object."""

COMPRESSED_ABOVE: Final = 1024
"""Bytes of text. What is not larger takes one write unit in any case."""

MAX_TEXT: Final = 64 * 1024 * 1024
"""Bytes of text that are compressed, and the most that a compressed record can become again."""

_GAIN: Final = 0.9
"""The part of the text that compressed data may have at most."""

_SMALL: Final = 16 * 1024
_SMALL_WINDOW: Final = (13, 6)
"""Window and memory for small texts: to set up the default ones takes 50 us, these 5."""

_WINDOW: Final = (15, 8)


def pack(ran: Returned, *, max_data: int | None) -> Returned:
    """A result in the form in which it is recorded; without a body where it is larger than
    `max_data` bytes. Never raises: its effect has happened."""
    text = ran.data
    if not isinstance(text, str) or ran.encoding is not None:
        return ran
    if len(text) * 4 > COMPRESSED_ABOVE:  # one character takes at most four bytes
        data = text.encode()
        if COMPRESSED_ABOVE < len(data) <= MAX_TEXT:
            small = compressed(data)
            if len(small) <= len(data) * _GAIN:
                ran, data = ran._replace(data=small, encoding=ZLIB), small
        if max_data is not None and len(data) > max_data:
            return ran._replace(data=None, encoding=NO_BODY)
    elif max_data is not None and len(text.encode()) > max_data:
        return ran._replace(data=None, encoding=NO_BODY)
    return ran


def compressed(data: bytes) -> bytes:
    """The data, compressed fast rather than well: level 6 takes four times as long as level 1 and
    saves another sixth of what is left."""
    import zlib  # what is small needs it not

    window, memory = _SMALL_WINDOW if len(data) <= _SMALL else _WINDOW
    compressor = zlib.compressobj(1, zlib.DEFLATED, window, memory)
    return compressor.compress(data) + compressor.flush()


def unpack(record: Record) -> str | bytes:
    """The text of a recorded response. Raises `ResponseUnavailableError`."""
    data = record.data
    if is_in_object(record):
        raise ResponseUnavailableError(
            f"The operation under record {record.key} is done, but the S3 object with its response "
            "is not there, may not be read, or is damaged. Is large_responses still that bucket?"
        )
    if data is None or record.encoding not in (None, ZLIB):
        raise ResponseUnavailableError(
            f"The operation under record {record.key} is done, but its response could not be "
            "stored: it was not JSON, or too large for the store."
        )
    if record.encoding is None:
        return data
    text = None if isinstance(data, str) else _decompressed(data)
    if text is None:
        raise unreadable(record)
    return text


def is_in_object(record: Record) -> bool:
    """Whether the record's data are in an object of S3, and not here."""
    return record.encoding in (IN_S3, IN_S3_ZLIB)


def unreadable(record: Record) -> ResponseUnavailableError:
    """The error for a response that is no more what was recorded."""
    return ResponseUnavailableError(
        f"The operation under record {record.key} is done, but its stored response is not "
        "readable. Was the record edited?"
    )


def _decompressed(data: bytes) -> bytes | None:
    """The text; None where the data is damaged, or would become larger than was ever written."""
    import zlib

    decompressor = zlib.decompressobj()
    try:
        # One byte more than may be: of a text of just that size, the end is looked at all the same.
        text = decompressor.decompress(data, MAX_TEXT + 1)
    except zlib.error:
        return None
    whole = decompressor.eof and not decompressor.unused_data and len(text) <= MAX_TEXT
    return text if whole else None
