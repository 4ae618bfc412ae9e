"""An HTTP client for the sites that the local AWS serves by Host header, on a real socket."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kit.http_events import Seen

PATIENCE = 300.0
"""Seconds for an answer: fifty functions that start at once take a minute on a small machine."""


class Site:
    """One API or function URL; `base` stands before every path."""

    def __init__(self, port: int, host: str, base: str = "") -> None:
        self._port, self._host, self._base = port, host, base
        self.url = f"http://{host}{base}"

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Seen:
        """Send one request, and return its response with the body as text."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request(
                method,
                path if path.startswith(f"{self._base}/") else self._base + path,
                body=None if body is None else json.dumps(body),
                headers={
                    "Host": self._host,
                    "Content-Type": "application/json",
                    **(headers or {}),
                },
            )
            response = connection.getresponse()
            content = response.read().decode("latin-1")
            return Seen(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                content,
            )
        finally:
            connection.close()

    def at_once(self, count: int, *request: Any) -> list[Seen]:
        """Send one request that many times simultaneously, and return the responses."""
        with ThreadPoolExecutor(max_workers=count) as pool:
            return list(pool.map(lambda _: self.send(*request), range(count)))


def http_api(port: int, api_id: str) -> Site:
    """Return an HTTP API at its default stage."""
    return Site(port, f"{api_id}.execute-api.localhost")


def rest_api(port: int, api_id: str, stage: str = "prod") -> Site:
    """Return a REST API at a stage."""
    return Site(port, f"{api_id}.execute-api.localhost", f"/{stage}")


def function_url(port: int, url: str) -> Site:
    """Return a function URL."""
    return Site(port, url.removeprefix("https://").rstrip("/"))
