"""Generated valid settings: any of their rows may be given or left out."""

from __future__ import annotations

import math
from string import ascii_letters, ascii_lowercase, digits
from typing import Any, Final

from hypothesis import strategies as st

from lambda_idempotency import HttpOptions
from lambda_idempotency.contract.kinds import CENTURY_S
from lambda_idempotency.contract.settings import Settings

_TEXTS: Final = st.text(min_size=1).filter(str.strip)
_HEADERS: Final = st.text(f"{ascii_letters}-", min_size=1, max_size=20)
_PATHS: Final = st.text(f"{ascii_lowercase}_/", min_size=1, max_size=9)
_NAMES: Final = st.text(f"{ascii_lowercase}_", min_size=1, max_size=9)
_FLAGS: Final = st.booleans()

HTTP_ROWS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "profile": st.sampled_from(["ietf", "stripe", "accepted"]),
    "header": _HEADERS,
    "required": st.none() | _FLAGS,
    "pattern": st.none() | st.sampled_from(["[0-9a-f]{32}", "\\S+", 'a"b', "ü+"]),
    "methods": st.none() | st.lists(st.sampled_from(["POST", "PUT"]), min_size=1).map(tuple),
    "principal_claim": st.none() | _TEXTS,
    "store_statuses": st.none() | st.lists(st.sampled_from(["2xx", "404"]), min_size=1).map(tuple),
    "api_scope": st.sampled_from(["stage", "domain", "api", "none"]),
    "not_replayed": st.lists(_HEADERS).map(tuple),
    "replayed": st.lists(_HEADERS).map(tuple),
    "cors": st.lists(st.sampled_from(["*", "https://shop.example"])).map(tuple),
    "status_path": st.none() | st.sampled_from(["/status", "/a/b-c"]),
}


def http_options() -> st.SearchStrategy[HttpOptions]:
    """Return a strategy for any options."""
    return st.fixed_dictionaries({}, optional=HTTP_ROWS).map(lambda rows: HttpOptions(**rows))


def _seconds(least: float) -> st.SearchStrategy[float]:
    return st.floats(least, CENTURY_S) | st.integers(math.ceil(least), CENTURY_S)


ROWS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "store": st.sampled_from(["dynamodb", "redis", "memory"]),
    "table": st.none() | _TEXTS,
    "parameter": st.none() | _TEXTS,
    "url_suffix": _TEXTS,
    "namespace": st.none() | st.text(f"{ascii_letters}{digits}._/-", min_size=1, max_size=128),
    "handler": st.none()
    | st.builds("{}.{}".format, _PATHS, st.lists(_NAMES, min_size=1, max_size=3).map(".".join)),
    "http": st.none() | http_options(),
    "key": st.none() | _TEXTS,
    "fingerprint": st.none() | _TEXTS,
    "expires_after": _seconds(1),
    "lease": st.none() | _seconds(0.001),
    "timeout": st.none() | _seconds(0.001),
    "execution_timeout": st.none() | _seconds(1),
    "heartbeat": st.none() | _FLAGS,
    "on_in_progress": st.sampled_from(["raise", "wait"]),
    "wait_timeout": st.none() | _seconds(0.001),
    "max_attempts": st.none() | st.integers(1, 10**9),
    "on_missing_key": st.sampled_from(["reject", "bypass"]),
    "fail_open": _FLAGS,
    "cache_size": st.integers(0, 10**9),
    "store_response": _FLAGS,
    "redact": st.none() | _TEXTS,
    "response_key": st.none() | _TEXTS,
    "large_responses": st.none() | _TEXTS,
    "large_response_size": st.integers(1, 10**9),
    "metrics": _FLAGS,
    "disabled": _FLAGS,
}


def settings() -> st.SearchStrategy[Settings]:
    """Return a strategy for any settings."""
    return st.fixed_dictionaries({}, optional=ROWS).map(lambda rows: Settings(**rows))
