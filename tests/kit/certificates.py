"""Client certificates, as an event has them."""

from __future__ import annotations

import datetime
from functools import cache
from itertools import count
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_START: Final = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_SERIAL_NUMBERS: Final = count(1)


@cache
def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(*names: x509.GeneralName, subject: str = "", key: str = "one") -> str:
    """Return the PEM of a new certificate: each has a serial number of its own."""
    named = x509.Name.from_rfc4514_string(subject)
    number = next(_SERIAL_NUMBERS)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(x509.Name.from_rfc4514_string("CN=ca"))
        .public_key(_key(key).public_key())
        .serial_number(number)
        .not_valid_before(_START)
        .not_valid_after(_START + datetime.timedelta(days=number))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not subject)
    signed = builder.sign(_key("ca"), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()
