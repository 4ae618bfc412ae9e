"""The root certificates of Amazon Trust Services, with which AWS signs its endpoints' certificates.

Loading the whole store of a system, some 140 roots, takes 20 to 30 ms of a cold start; these take
one. The certificates themselves are not here: they come out of the system's own bundle, so one that
the system no longer trusts is not trusted here either.

Names and key hashes are those of https://www.amazontrust.com/repository/, which recommends to trust
all five.
"""

from __future__ import annotations

from binascii import a2b_base64
from hashlib import sha256
from typing import Final

from ...tuples import NamedTuple

_END: Final = b"-----END CERTIFICATE-----"


class Root(NamedTuple):
    """A root certificate.

    `key` is the SHA-256 of its public key (DER), by which Amazon names it, `fingerprint` that of
    the certificate. `begins` are the first characters of its PEM, by which it is found.
    """

    name: str
    key: str
    fingerprint: str
    begins: bytes


ROOTS: Final = (
    Root(
        name="CN=Amazon Root CA 1,O=Amazon,C=US",
        key="fbe3018031f9586bcbf41727e417b7d1c45c2f47f93be372a17b96b50757d5a2",
        fingerprint="8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        begins=b"MIIDQTCCAimgAwIBAgITBmyfz5m/jAo54vB4ikPmljZbyjANBgkqhkiG9w0BAQsF",
    ),
    Root(
        name="CN=Amazon Root CA 2,O=Amazon,C=US",
        key="7f4296fc5b6a4e3b35d3c369623e364ab1af381d8fa7121533c9d6c633ea2461",
        fingerprint="1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        begins=b"MIIFQTCCAymgAwIBAgITBmyf0pY1hp8KD+WGePhbJruKNzANBgkqhkiG9w0BAQwF",
    ),
    Root(
        name="CN=Amazon Root CA 3,O=Amazon,C=US",
        key="36abc32656acfc645c61b71613c4bf21c787f5cabbee48348d58597803d7abc9",
        fingerprint="18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        begins=b"MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5",
    ),
    Root(
        name="CN=Amazon Root CA 4,O=Amazon,C=US",
        key="f7ecded5c66047d28ed6466b543c40e0743abe81d109254dcf845d4c2c7853c5",
        fingerprint="e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        begins=b"MIIB8jCCAXigAwIBAgITBmyf18G7EEwpQ+Vxe3ssyBrBDjAKBggqhkjOPQQDAzA5",
    ),
    Root(
        name="CN=Starfield Services Root Certificate Authority - G2,"
        "O=Starfield Technologies\\, Inc.,L=Scottsdale,ST=Arizona,C=US",
        key="2b071c59a0a0ae76b0eadb2bad23bad4580b69c3601b630c2eaf0613afa83f92",
        fingerprint="568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        begins=b"MIID7zCCAtegAwIBAgIBADANBgkqhkiG9w0BAQsFADCBmDELMAkGA1UEBhMCVVMx",
    ),
)


def found_in(bundle: bytes) -> bytes:
    """Return those roots that are in a bundle of PEM certificates, one after the other in DER."""
    found = []
    for root in ROOTS:
        start = bundle.find(root.begins)
        if start >= 0:
            certificate = a2b_base64(bundle[start : bundle.find(_END, start)])
            if sha256(certificate).hexdigest() == root.fingerprint:
                found.append(certificate)
    return b"".join(found)
