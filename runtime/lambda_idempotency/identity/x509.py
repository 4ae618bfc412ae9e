"""The two parts of a certificate that no event spells out: its alternative names and its key.

A reader of DER as far as they are. It verifies nothing; `Certificate.verified` tells whether
somebody has. Nothing in the standard library decodes a certificate that is not one's peer's.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----")
_VERSION, _EXTENSIONS, _OCTETS = 0xA0, 0xA3, 0x04
_SUBJECT_ALT_NAME: Final = b"\x55\x1d\x11"  # 2.5.29.17
_KEY: Final = 5
"""The place of the public key: after serial number, algorithm, issuer, validity and subject."""


class Read(NamedTuple):
    """The alternative names of a certificate in some order that is always the same, and the hash of
    its public key. Both are empty if the certificate cannot be read."""

    names: tuple[str, ...] = ()
    public_key: str = ""


def read(pem: str) -> Read:
    """Return what a certificate says; of a chain, the first one."""
    found = _PEM.search(pem)
    if found is None:
        return Read()
    try:
        return _read(binascii.a2b_base64(found[1]))
    except (binascii.Error, IndexError, ValueError):
        return Read()


def _read(der: bytes) -> Read:
    """Return what a certificate says (RFC 5280, 4.1)."""
    [(_, certificate)] = _elements(der)
    (_, signed), *_ = _elements(certificate)
    fields = [field for field in _elements(signed) if field[0] != _VERSION]
    names: list[str] = []
    for tag, explicit in fields[_KEY + 1 :]:
        if tag == _EXTENSIONS:
            [(_, extensions)] = _elements(explicit)
            names.extend(_names(extensions))
    return Read(tuple(sorted(names)), sha256(fields[_KEY][1]).hexdigest())


def _names(extensions: bytes) -> Iterator[str]:
    for _, extension in _elements(extensions):
        (_, kind), *_, (tag, value) = _elements(extension)
        if kind == _SUBJECT_ALT_NAME and tag == _OCTETS:
            [(_, names)] = _elements(value)
            yield from (f"{tag}:{name.hex()}" for tag, name in _elements(names))


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and the content of each element (X.690, 8.1). Raises ValueError, IndexError."""
    at = 0
    while at < len(der):
        tag, size = der[at], der[at + 1]
        at += 2
        if size & 0x80:  # the next bytes hold the size
            count = size & 0x7F
            size = int.from_bytes(der[at : at + count], "big")
            at += count
        if at + size > len(der):
            raise ValueError
        yield tag, der[at : at + size]
        at += size
