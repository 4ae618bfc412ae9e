"""The connection settings of a Redis or Valkey server: the JSON document in an SSM parameter.

The construct writes it, the runtime reads it. It says where the secret is and never holds it, so
errors name fields and no values: somebody may have put a password there all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias

from ..errors import ConfigurationError

COMMANDS: Final = ("evalsha", "eval", "time", "hgetall", "hset", "hdel", "del", "pexpireat")
"""What a Redis user needs: the commands sent, and those inside their scripts."""

CLUSTER_COMMANDS: Final = ("cluster|slots", "asking")
"""What a client of a cluster needs beside them: to find the node of a key, and to follow one that
moves. redis-py's own client, where somebody passes one to `RedisStore`, needs `command` too."""

REFRESH_AFTER: Final = 15 * 60
"""Seconds for which a loaded password is used for new connections."""

_PEM: Final = "-----BEGIN CERTIFICATE-----"
_YEAR: Final = 366 * 24 * 3600


class SecretsManagerCredentials(NamedTuple):
    """A secret with the JSON text `{"username": ..., "password": ...}`."""

    id: str
    refresh_after: float = REFRESH_AFTER


class SecureStringCredentials(NamedTuple):
    """An SSM SecureString: the same JSON text, or the password alone."""

    name: str
    refresh_after: float = REFRESH_AFTER


class IamCredentials(NamedTuple):
    """A user of ElastiCache that authenticates with tokens signed by the function's role."""

    cache: str
    user: str
    serverless: bool = False


class NoCredentials(NamedTuple):
    """A server that asks nobody who he is."""


Credentials: TypeAlias = (
    SecretsManagerCredentials | SecureStringCredentials | IamCredentials | NoCredentials
)

_KINDS: Final[dict[str, type[Credentials]]] = {
    "secretsmanager": SecretsManagerCredentials,
    "ssm": SecureStringCredentials,
    "iam": IamCredentials,
    "none": NoCredentials,
}


class RedisSettings(NamedTuple):
    """How to connect. `ca` is the PEM text of certificates to trust in place of the system's."""

    host: str
    port: int = 6379
    tls: bool = True
    cluster: bool = False
    database: int = 0
    username: str | None = None
    ca: str | None = None
    credentials: Credentials = NoCredentials()

    def to_document(self) -> dict[str, Any]:
        """The document; what has its default is left out. Values may be CDK tokens."""
        document = {
            name: value
            for name, value in self._asdict().items()
            if name != "credentials" and value != self._field_defaults.get(name)
        }
        [kind] = [kind for kind, form in _KINDS.items() if type(self.credentials) is form]
        return {**document, "credentials": {"type": kind, **self.credentials._asdict()}}

    @classmethod
    def from_document(cls, document: object) -> RedisSettings:
        """The settings in a document. Raises `ValueError` saying what is wrong with it."""
        return _settings(document)

    @classmethod
    def parse(cls, text: str, name: str) -> RedisSettings:
        """The settings in the parameter `name`. Raises `ConfigurationError` saying what is wrong
        with it."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        try:
            return cls.from_document(document)
        except ValueError as error:
            raise ConfigurationError(
                f"SSM parameter {name} holds no settings of a Redis server: {error}"
            ) from None


def access_string(namespaces: Iterable[str], *, cluster: bool, database: int = 0) -> str:
    """The rules of a Redis user (ACL SETUSER, ElastiCache) who may keep the records of these
    namespaces and do nothing else.

    https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
    """
    chosen = ("select",) if database else ()
    commands = (*COMMANDS, *(CLUSTER_COMMANDS if cluster else ()), *chosen)
    keys = (f"~{namespace}#*" for namespace in namespaces)
    return " ".join(["on", *keys, "-@all", *(f"+{command}" for command in commands)])


def _settings(document: object) -> RedisSettings:
    fields = _fields(document, "the document", RedisSettings)
    port = fields.get("port", 6379)
    if isinstance(port, str) and port.isascii() and port.isdecimal():
        port = fields["port"] = int(port)  # ElastiCache tells it as a text
    # A URL may have a password in it, and errors name the host.
    _demand("host", _is_host(fields.get("host")), "a host name or an IP address, and no URL")
    _demand("port", _is_count(port) and 1 <= port <= 65535, "a number from 1 to 65535")
    for name in ("tls", "cluster"):
        _demand(name, isinstance(fields.get(name, True), bool), "true or false")
    _demand("database", _is_count(fields.get("database", 0)), "a number from 0")
    _demand("username", fields.get("username") is None or _is_text(fields["username"]), "a text")
    ca = fields.get("ca")
    _demand("ca", ca is None or (_is_text(ca) and _PEM in ca), f'PEM text with "{_PEM}"')
    if fields.get("cluster") and fields.get("database"):
        raise ValueError("database is for a single server; a cluster has only database 0")
    if fields.get("ca") and fields.get("tls") is False:
        raise ValueError("ca is for tls, which is false")
    fields["credentials"] = _credentials(fields.get("credentials"))
    return RedisSettings(**fields)


def _credentials(document: object) -> Credentials:
    if not isinstance(document, dict):
        raise ValueError('credentials is missing; expected an object, such as {"type": "none"}')
    kind = document.get("type")
    form = _KINDS.get(kind) if isinstance(kind, str) else None
    if form is None:
        raise ValueError(f"the type of credentials is unknown; expected one of {', '.join(_KINDS)}")
    rest = {name: value for name, value in document.items() if name != "type"}
    fields = _fields(rest, f"credentials of type {kind}", form)
    for name, value in fields.items():
        if name == "serverless":
            _demand(name, isinstance(value, bool), "true or false")
        elif name == "refresh_after":
            known = isinstance(value, int | float) and not isinstance(value, bool)
            _demand(
                name, known and 0 < value <= _YEAR, "a number of seconds above 0, at most a year"
            )
        else:
            _demand(name, _is_text(value), "a text that is not empty")
    return form(**fields)


def _fields(document: object, what: str, form: Any) -> dict[str, Any]:
    """The fields of an object, if it has all that are needed and no others."""
    if not isinstance(document, dict):
        raise ValueError(f"{what} is no JSON object")
    if unknown := sorted(document.keys() - set(form._fields)):
        raise ValueError(
            f"{what} has the unknown field {unknown[0]}; the fields are {', '.join(form._fields)}"
        )
    needed = [name for name in form._fields if name not in form._field_defaults]
    if missing := [name for name in needed if name not in document]:
        raise ValueError(f"{what} lacks the field {missing[0]}")
    return dict(document)


def _demand(name: str, satisfied: object, expected: str) -> None:
    if not satisfied:
        raise ValueError(f"{name} is not as expected: {expected}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_host(value: object) -> bool:
    """Whether it is a name or an address: neither a URL nor a name with a port."""
    if not isinstance(value, str) or set(value) & set(" /@?#[]\\") or value.count(":") == 1:
        return False
    try:
        return bool(value.encode("idna")) and value.isprintable()  # as it will be looked up
    except UnicodeError:
        return False


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
