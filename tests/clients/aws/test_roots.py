"""Amazon's roots: each is what it says, and only the system's own are taken."""

from __future__ import annotations

import ssl
from hashlib import sha256
from pathlib import Path
from typing import Final

import botocore
import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lambda_idempotency.clients.aws.roots import ROOTS, Root, found_in

BUNDLES: Final = (Path(certifi.where()), Path(botocore.__file__).parent / "cacert.pem")
"""Public bundles: Mozilla's store, as certifi and botocore ship it."""


def _certificate(bundle: Path, root: Root) -> str:
    """Return the root's PEM in a bundle."""
    (found,) = (part for part in bundle.read_text().split("\n\n") if root.begins.decode() in part)
    return found[found.index("-----BEGIN") :].strip()


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # Starfield's is 0
@pytest.mark.parametrize("bundle", BUNDLES, ids=["certifi", "botocore"])
@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.name)
def test_each_root_is_what_it_says(root: Root, bundle: Path) -> None:
    certificate = x509.load_pem_x509_certificate(_certificate(bundle, root).encode())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert certificate.subject.rfc4514_string() == root.name
    assert certificate.issuer == certificate.subject
    assert sha256(key).hexdigest() == root.key
    assert sha256(certificate.public_bytes(Encoding.DER)).hexdigest() == root.fingerprint


@pytest.mark.parametrize("bundle", BUNDLES, ids=["certifi", "botocore"])
def test_all_five_are_found_in_a_bundle(bundle: Path) -> None:
    found = found_in(bundle.read_bytes())
    assert len(ROOTS) == 5
    pems = [_certificate(bundle, root) for root in ROOTS]
    assert found == b"".join(map(ssl.PEM_cert_to_DER_cert, pems))


def test_a_root_that_the_bundle_lacks_is_not_found() -> None:
    first = _certificate(BUNDLES[0], ROOTS[0])
    alone = found_in(first.encode())
    assert sha256(alone).hexdigest() == ROOTS[0].fingerprint
    assert found_in(b"") == b""


def test_a_certificate_that_only_begins_as_a_root_is_not_taken() -> None:
    first = _certificate(BUNDLES[0], ROOTS[0])
    changed = first.replace(first[-100:-90], first[-90:-80])
    assert changed != first
    assert found_in(changed.encode()) == b""
