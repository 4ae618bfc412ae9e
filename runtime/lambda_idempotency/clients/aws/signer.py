"""Signature Version 4, for requests with a body and for presigned URLs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from ..net.secret import Secret
from .credentials import Credentials

ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Signer:
    """Signs for one region and service.

    It keeps what the next signature is likely to need: the derived key, valid for one day, and the
    texts of the present second.
    """

    def __init__(self, *, region: str, service: str) -> None:
        self._region = region
        self.service = service
        self._second: tuple[int, str, str] = (-1, "", "")
        self._derived: tuple[str, Secret[str], hmac.HMAC | None] = ("", Secret(""), None)

    def texts(self, now: int) -> tuple[str, str]:
        """Return a moment, in epoch seconds, and the scope of signatures at that moment."""
        second, moment, scope = self._second
        if second != now:
            moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
            scope = f"{moment[:8]}/{self._region}/{self.service}/aws4_request"
            self._second = now, moment, scope
        return moment, scope

    def signature(
        self, request: Secret[str], moment: str, scope: str, credentials: Credentials
    ) -> str:
        """Return the signature of a canonical request at a moment, with its scope."""
        digest = sha256(request.reveal().encode()).hexdigest()
        # The key's part of the digest is computed once: HMAC allows that (RFC 2104, section 4).
        signing = self._key(moment[:8], credentials.secret_key).copy()
        signing.update(f"{ALGORITHM}\n{moment}\n{scope}\n{digest}".encode())
        return signing.hexdigest()

    def presigned(
        self,
        *,
        host: str,
        query: Mapping[str, str],
        expires: int,
        credentials: Credentials,
        now: int,
    ) -> Secret[str]:
        """Return a URL without its scheme, `host/?query`, for a GET within `expires` seconds.

        `now` is in epoch seconds.
        """
        from urllib.parse import quote

        moment, scope = self.texts(now)
        parts = {
            **query,
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(expires),
            "X-Amz-SignedHeaders": "host",
        }
        if credentials.token is not None:
            parts["X-Amz-Security-Token"] = credentials.token.reveal()
        pairs = [[quote(part, safe="-_.~") for part in pair] for pair in parts.items()]
        text = "&".join("=".join(pair) for pair in sorted(pairs))
        request = "\n".join(("GET", "/", text, f"host:{host}", "", "host", sha256().hexdigest()))
        signature = self.signature(Secret(request), moment, scope, credentials)
        return Secret(f"{host}/?{text}&X-Amz-Signature={signature}")

    def _key(self, day: str, secret: Secret[str]) -> hmac.HMAC:
        """Return the beginning of an HMAC with the key of a day."""
        known_day, known_secret, key = self._derived
        if key is None or known_secret is not secret or known_day != day:
            derived = Secret(f"AWS4{secret.reveal()}".encode())
            for part in (day, self._region, self.service, "aws4_request"):
                derived = Secret(hmac.digest(derived.reveal(), part.encode(), "sha256"))
            key = hmac.new(derived.reveal(), digestmod="sha256")
            self._derived = (day, secret, key)
        return key
