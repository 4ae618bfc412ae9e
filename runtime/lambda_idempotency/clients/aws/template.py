"""Requests written from a template: signed, and ready to be sent.

From one request to the next, little changes in its head, and in the text that its signature covers:
the moment, the digest and length of the body, the signature. The rest is written once, and again
when there are other credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

from ...tuples import NamedTuple
from ..net.http1 import length_of
from ..net.secret import Secret
from .credentials import Credentials
from .signer import ALGORITHM, Signer

_DATE: Final = "x-amz-date"
_DIGEST: Final = "x-amz-content-sha256"
"""The header with the body's digest, which S3 alone demands. Of those that are sent to S3, it is
the last before the date, in the order in which headers are signed."""


class Template:
    """The requests of one method and path that have the same headers. Thread-safe.

    The names of `headers` are in lower case, `host` among them. `path` and `query` are
    percent-encoded, the query's parts sorted, as signatures demand. `head` returns the lines with
    which a request begins, or raises ValueError.
    """

    def __init__(
        self,
        signer: Signer,
        head: Callable[[str, str, Mapping[str, str]], Secret[str]],
        *,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: str = "",
    ) -> None:
        self._signer = signer
        self._head = head
        self._method = method
        self._path = path
        self._headers = headers
        self._query = query
        self._sends_digest = signer.service == "s3"
        self._written: _Written | None = None

    def request(self, body: bytes, credentials: Credentials, now: int) -> Secret[bytes]:
        """Return the request with this body, signed at `now`, in epoch seconds. Raises ValueError
        for credentials that cannot be sent."""
        written = self._written
        if written is None or written.credentials is not credentials:
            written = self._written = self._write(credentials)
        moment, scope = self._signer.texts(now)
        digest = sha256(body).hexdigest()
        changing = f"{_DATE}:{moment}"
        if self._sends_digest:
            changing = f"{_DIGEST}:{digest}\n{changing}"
        signature = self._signer.signature(
            Secret(f"{written.before.reveal()}{changing}\n{written.after.reveal()}{digest}"),
            moment,
            scope,
            credentials,
        )
        lines = changing.replace(":", ": ").replace("\n", "\r\n")
        rest = (
            f"{scope}, SignedHeaders={written.names}, Signature={signature}\r\n{lines}\r\n"
            f"{length_of(self._method, body)}\r\n"
        )
        return Secret(f"{written.head.reveal()}{rest}".encode("latin-1") + body)

    def _write(self, credentials: Credentials) -> _Written:
        headers = dict(self._headers)
        if credentials.token is not None:
            headers["x-amz-security-token"] = credentials.token.reveal()
        path = self._path if self._sends_digest else _encoded_again(self._path)
        before = sorted(name for name in headers if name < _DATE)
        after = sorted(name for name in headers if name > _DATE)
        changing = (_DIGEST, _DATE) if self._sends_digest else (_DATE,)
        names = ";".join((*before, *changing, *after))

        def lines(names: list[str]) -> str:
            return "".join([f"{name}:{_trimmed(headers[name])}\n" for name in names])

        authorization = f"{ALGORITHM} Credential={credentials.access_key}/"
        target = f"{self._path}?{self._query}" if self._query else self._path
        head = self._head(self._method, target, {**headers, "authorization": authorization})
        return _Written(
            credentials,
            head=Secret(head.reveal().removesuffix("\r\n")),
            names=names,
            before=Secret(f"{self._method}\n{path}\n{self._query}\n{lines(before)}"),
            after=Secret(f"{lines(after)}\n{names}\n"),
        )


class _Written(NamedTuple):
    """What the requests with these credentials have in common: the head, as far as the scope in its
    authorization, and the signed text before and after the lines that change."""

    credentials: Credentials
    head: Secret[str]
    names: str
    before: Secret[str]
    after: Secret[str]


def _trimmed(value: str) -> str:
    """Return a header's value without needless spaces; most have none, and tokens are long."""
    return " ".join(value.split()) if " " in value or "\t" in value else value


def _encoded_again(path: str) -> str:
    """Encode a path again: every service but S3 signs the path encoded twice."""
    if path == "/":
        return path
    from urllib.parse import quote

    return quote(path, safe="/-_.~")
