"""The recorded form of a response's text: as it is, or compressed where that saves enough.

In DynamoDB a write costs one unit for each KB of the stored item, even if it is refused. So a
replay of 100 KB costs 100 units, and about thirty when compressed
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/
howitworks-read-write-capacity-mode.html). In Redis, compression saves memory and network.
"""

from __future__ import annotations

from typing import Final

from ..errors import ResponseUnavailableError
from ..protocol.record import NO_BODY, NOT_KEPT, Record
from ..protocol.steps import Returned

ZLIB: Final = "zlib"
"""The `encoding` of compressed text."""

AES: Final = "aes"
"""The first word of the `encoding` of encrypted text; what it was before follows."""

IN_S3: Final = "s3"
"""The first word of the `encoding` of text in an S3 object; that of the object follows."""

COMPRESSED_ABOVE: Final = 1024
"""Bytes of text above which it is compressed. A smaller one takes one write unit anyway."""

MAX_TEXT: Final = 64 * 1024 * 1024
"""The most bytes of text to compress, and the most that decompressing a record may give."""

_GAIN: Final = 0.9
"""The most that compressed data may take, as a fraction of the text's size."""

_SMALL: Final = 16 * 1024
_SMALL_WINDOW: Final = (13, 6)
"""Window and memory for small texts: their setup takes 5 us, that of the defaults 50."""

_WINDOW: Final = (15, 8)


def pack(ran: Returned, *, max_data: int | None) -> Returned:
    """Return a result in its recorded form, without a body if that is larger than `max_data` bytes.
    Never raises: the effect has happened."""
    text = ran.data
    if not isinstance(text, str) or ran.encoding is not None:
        return ran
    if len(text) * 4 > COMPRESSED_ABOVE:  # one character takes at most four bytes
        data = text.encode()
        if COMPRESSED_ABOVE < len(data) <= MAX_TEXT:
            try:
                small = compressed(data)
            except Exception:  # noqa: BLE001 - no file descriptor is left to load zlib, or no memory
                small = data
            if len(small) <= len(data) * _GAIN:
                ran = ran._replace(data=small, encoding=ZLIB)
    return fitting(ran, max_data=max_data)


def fitting(ran: Returned, *, max_data: int | None) -> Returned:
    """Return a result without its data if they are larger than `max_data` bytes."""
    data = ran.data
    if max_data is None or data is None or len(data) * 4 <= max_data:
        return ran
    size = len(data.encode() if isinstance(data, str) else data)
    return ran if size <= max_data else ran._replace(data=None, encoding=NO_BODY)


def wrapped(how: str, encoding: str | None) -> str:
    """Return the encoding of data that are encrypted, or in an object."""
    return how if encoding is None else f"{how} {encoding}"


def inner(encoding: str | None) -> str | None:
    """Return the encoding behind the first word."""
    return None if encoding is None else encoding.partition(" ")[2] or None


def compressed(data: bytes) -> bytes:
    """Compress data, fast rather than well: level 6 takes four times as long as level 1, and makes
    the result only a sixth smaller."""
    import zlib  # not at the top: small texts do not need it

    window, memory = _SMALL_WINDOW if len(data) <= _SMALL else _WINDOW
    compressor = zlib.compressobj(1, zlib.DEFLATED, window, memory)
    return compressor.compress(data) + compressor.flush()


def unpack(record: Record) -> str | bytes:
    """Return the text of a recorded response. Raises `ResponseUnavailableError`."""
    data = record.data
    if is_in_object(record):
        raise ResponseUnavailableError(
            f"The operation under record {record.key} is done, but the S3 object with its response "
            "is not there, may not be read, or is damaged. Is large_responses still that bucket?"
        )
    if record.encoding == NOT_KEPT:
        raise ResponseUnavailableError(
            f"The operation under record {record.key} is done, and its response is not kept "
            "(store_response=False)."
        )
    if is_encrypted(record):
        raise ResponseUnavailableError(
            f"The operation under record {record.key} is done, but its response is encrypted, and "
            "does not open here. Either it was changed or copied from another record or namespace, "
            "or this function lacks the cipher (response_key)."
        )
    if data is None or record.encoding not in (None, ZLIB):
        raise ResponseUnavailableError(
            f"The operation under record {record.key} is done, but its response could not be "
            "stored: it was not JSON, too large for the store, not what redact may keep, or there "
            "was no data key for it. The log of the call that ran says which."
        )
    if record.encoding is None:
        return data
    text = None if isinstance(data, str) else decompressed(data)
    if text is None:
        raise unreadable(record)
    return text


def is_in_object(record: Record) -> bool:
    """Tell whether the data are in an S3 object instead of the record."""
    return _outermost(record) == IN_S3


def is_encrypted(record: Record) -> bool:
    """Tell whether the data are encrypted."""
    return _outermost(record) == AES


def _outermost(record: Record) -> str:
    return (record.encoding or "").partition(" ")[0]


def unreadable(record: Record) -> ResponseUnavailableError:
    """Return the error for a response that differs from what was recorded."""
    return ResponseUnavailableError(
        f"The operation under record {record.key} is done, but its stored response is not "
        "readable. Was the record edited?"
    )


def decompressed(data: bytes) -> bytes | None:
    """Return the text, or None if the data are damaged or give more text than was ever written."""
    import zlib

    decompressor = zlib.decompressobj()
    try:
        # One byte above the limit, so that the end of a text of exactly MAX_TEXT is checked, too.
        text = decompressor.decompress(data, MAX_TEXT + 1)
    except zlib.error:
        return None
    whole = decompressor.eof and not decompressor.unused_data and len(text) <= MAX_TEXT
    return text if whole else None
