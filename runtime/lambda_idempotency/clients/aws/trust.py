"""The roots that an endpoint's certificate is verified with."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Final

from ..net.secret import Environment
from . import roots

_UNKNOWN_ISSUER: Final = (2, 18, 19, 20, 21)
"""OpenSSL's codes for a chain that ends at no known root
(https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/)."""


class Trust:
    """The system's roots, or those of AWS_CA_BUNDLE.

    With `amazon` it begins with those of the system's roots that are Amazon's: they load faster,
    and whatever they verify the whole store would verify, too.
    """

    def __init__(self, environment: Environment, *, amazon: bool) -> None:
        self._environment = environment
        self._narrow = amazon
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Return the TLS context. Raises `OSError`, naming the bundle that cannot be read."""
        if self._context is None:
            bundle = self._environment.get("AWS_CA_BUNDLE") or None
            self._narrow = self._narrow and bundle is None
            found = _amazons_roots() if self._narrow else b""
            self._narrow = bool(found)
            try:
                self._context = ssl.create_default_context(cafile=bundle, cadata=found or None)
            except OSError as error:
                raise OSError(f"AWS_CA_BUNDLE cannot be read: {error}") from None
        return self._context

    def widens(self, error: OSError) -> bool:
        """Tell whether the whole store may trust what these roots did not: they know no issuer of
        the certificate. From then on the whole store is used."""
        unknown = isinstance(error, ssl.SSLCertVerificationError) and (
            error.verify_code in _UNKNOWN_ISSUER
        )
        if not (self._narrow and unknown):
            return False
        self._narrow, self._context = False, None
        return True


def _amazons_roots() -> bytes:
    """Return Amazon's roots in the system's bundle; none where there is no bundle."""
    path = ssl.get_default_verify_paths().cafile
    if path is not None:
        with suppress(OSError, ValueError), open(path, "rb") as bundle:  # noqa: PTH123 - see below
            return roots.found_in(bundle.read())
    return b""  # pathlib would take as long to import as the roots to load
