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

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Signer:
    """Signs for one region and service.

    It keeps what the next signature is likely to need: the derived key, valid for one day, and the
    texts of the present second.
    """

    def __init__(self, *, region: str, service: str) -> None:
        self._region = region
        self._service = service
        self._second: tuple[int, str, str] = (-1, "", "")
        self._derived: tuple[str, Secret[str], Secret[bytes]] = ("", Secret(""), Secret(b""))

    def headers(
        self,
        *,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        credentials: Credentials,
        now: int,
    ) -> dict[str, str]:
        """Return the headers to send: the given ones and those of the signature.

        The given names are in lower case, `host` among them. `path` is percent-encoded, without a
        query; `now` is in epoch seconds.
        """
        moment, scope = self._texts(now)
        content = sha256(body).hexdigest()
        signed = {**headers, "x-amz-date": moment}
        if self._service == "s3":
            signed["x-amz-content-sha256"] = content
        else:
            path = _encoded_again(path)
        if credentials.token is not None:
            signed["x-amz-security-token"] = credentials.token.reveal()
        names = sorted(signed)
        request = "\n".join(
            (
                method,
                path,
                "",
                *[f"{name}:{_trimmed(signed[name])}" for name in names],
                "",
                listed := ";".join(names),
                content,
            )
        )
        signature = self._sign(request, moment, scope, credentials)
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={listed}, Signature={signature}"
        )
        return signed

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

        moment, scope = self._texts(now)
        parts = {
            **query,
            "X-Amz-Algorithm": _ALGORITHM,
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
        signature = self._sign(request, moment, scope, credentials)
        return Secret(f"{host}/?{text}&X-Amz-Signature={signature}")

    def _sign(self, request: str, moment: str, scope: str, credentials: Credentials) -> str:
        text = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        key = self._key(moment[:8], credentials.secret_key)
        return hmac.digest(key.reveal(), text.encode(), "sha256").hex()

    def _texts(self, now: int) -> tuple[str, str]:
        """Return a moment, and the scope of signatures at that moment."""
        second, moment, scope = self._second
        if second != now:
            moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
            scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
            self._second = now, moment, scope
        return moment, scope

    def _key(self, day: str, secret: Secret[str]) -> Secret[bytes]:
        known_day, known_secret, key = self._derived
        if known_secret is not secret or known_day != day:
            key = Secret(f"AWS4{secret.reveal()}".encode())
            for part in (day, self._region, self._service, "aws4_request"):
                key = Secret(hmac.digest(key.reveal(), part.encode(), "sha256"))
            self._derived = (day, secret, key)
        return key


def _trimmed(value: str) -> str:
    """Return a header's value without needless spaces; most have none, and tokens are long."""
    return " ".join(value.split()) if " " in value or "\t" in value else value


def _encoded_again(path: str) -> str:
    """Encode a path again: every service but S3 signs the path encoded twice."""
    if path == "/":
        return path
    from urllib.parse import quote

    return quote(path, safe="/-_.~")
