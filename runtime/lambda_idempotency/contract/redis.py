"""The connection settings of a Redis or Valkey server: the JSON document in an SSM parameter.

The construct writes it, the runtime reads it. It says where the secret is and never holds it, so
errors name fields and no values: somebody may have put a password there anyway.
"""

# No `from __future__ import annotations`: see `rows`.
import json
from collections.abc import Iterable
from typing import Annotated, Any, Final, TypeAlias

from ..errors import ConfigurationError
from ..tuples import NamedTuple
from .kinds import Flag, Kind, Text, Whole, is_number
from .rows import kinds_of

COMMANDS: Final = ("evalsha", "eval", "time", "hgetall", "hset", "hdel", "del", "pexpireat")
"""The commands that a Redis user needs: those sent, and those inside the scripts."""

CLUSTER_COMMANDS: Final = ("cluster|slots", "asking")
"""The commands that a cluster client needs besides: to find the node of a key, and to follow a key
that moves. redis-py's own client, if one is passed to `RedisStore`, needs `command` too."""

REFRESH_AFTER_S: Final = 15 * 60
"""Seconds for which a loaded password is used for new connections."""

_PEM: Final = "-----BEGIN CERTIFICATE-----"
_YEAR: Final = 366 * 24 * 3600


class Host(Kind):
    """A name or an address: neither a URL, which may hold a password, nor a name with a port."""

    def expected(self, value: object) -> str | None:
        return None if _is_host(value) else "a host name or an IP address, and no URL"


class Certificates(Kind):
    """PEM text."""

    def expected(self, value: object) -> str | None:
        return None if isinstance(value, str) and _PEM in value else f'PEM text with "{_PEM}"'


class RefreshAfter(Kind):
    """Seconds for which a loaded password is used."""

    def expected(self, value: object) -> str | None:
        fits = is_number(value) and 0 < value <= _YEAR
        return None if fits else "a number of seconds above 0, at most a year"


class SecretsManagerCredentials(NamedTuple):
    """A secret with the JSON text `{"username": ..., "password": ...}`."""

    id: Annotated[str, Text()]
    refresh_after: Annotated[float, RefreshAfter()] = REFRESH_AFTER_S


class SecureStringCredentials(NamedTuple):
    """An SSM SecureString: the same JSON text, or the password alone."""

    name: Annotated[str, Text()]
    refresh_after: Annotated[float, RefreshAfter()] = REFRESH_AFTER_S


class IamCredentials(NamedTuple):
    """A user of ElastiCache that authenticates with tokens signed by the function's role."""

    cache: Annotated[str, Text()]
    """The name of the cache or replication group."""
    user: Annotated[str, Text()]
    """The id of the user, which is its name too."""
    serverless: Annotated[bool, Flag()] = False


class NoCredentials(NamedTuple):
    """A server that authenticates nobody."""


Credentials: TypeAlias = (
    SecretsManagerCredentials | SecureStringCredentials | IamCredentials | NoCredentials
)

_TYPES: Final[dict[str, type[Credentials]]] = {
    "secretsmanager": SecretsManagerCredentials,
    "ssm": SecureStringCredentials,
    "iam": IamCredentials,
    "none": NoCredentials,
}


class RedisSettings(NamedTuple):
    """Connection settings. The construct may pass CDK tokens; a document is checked when read."""

    host: Annotated[str, Host()]
    port: Annotated[int, Whole(least=1, most=65535)] = 6379
    tls: Annotated[bool, Flag()] = True
    cluster: Annotated[bool, Flag()] = False
    """Speak the protocol of a cluster."""
    database: Annotated[int, Whole(least=0)] = 0
    username: Annotated[str | None, Text()] = None
    """The Redis user, where the secret does not name one."""
    ca: Annotated[str | None, Certificates()] = None
    """PEM text of certificates to trust in place of the system's."""
    credentials: Credentials = NoCredentials()

    def to_document(self) -> dict[str, Any]:
        """Return the document, without what has its default. Values may be CDK tokens."""
        document = {
            name: value
            for name, value in self._asdict().items()
            if name != "credentials" and value != self._field_defaults.get(name)
        }
        [kind] = [kind for kind, form in _TYPES.items() if type(self.credentials) is form]
        return {**document, "credentials": {"type": kind, **self.credentials._asdict()}}

    @classmethod
    def from_document(cls, document: object) -> "RedisSettings":
        """Return the settings in a document. Raises `ValueError` saying what is wrong with it."""
        if isinstance(document, dict) and "port" in document:
            document = {**document, "port": _number(document["port"])}
        fields = _fields(document, "the document", cls)
        if fields.get("cluster") and fields.get("database"):
            raise ValueError(
                "database is for a single server; in a cluster, records are in database 0"
            )
        if fields.get("ca") and fields.get("tls") is False:
            raise ValueError("ca is for tls, which is false")
        return cls(**{**fields, "credentials": _credentials(fields.get("credentials"))})

    @classmethod
    def parse(cls, text: str, name: str) -> "RedisSettings":
        """Return the settings in the parameter `name`. Raises `ConfigurationError` saying what is
        wrong with it."""
        settings = _settings_in(text)
        del text  # somebody may have put a password there, and error trackers send variables
        if isinstance(settings, str):
            raise ConfigurationError(
                f"SSM parameter {name} holds no settings of a Redis server: {settings}"
            )
        return settings


def _settings_in(text: str) -> RedisSettings | str:
    """Return the settings in a text, or what is wrong with it."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    try:
        return RedisSettings.from_document(document)
    except ValueError as error:
        return str(error)


def access_string(namespaces: Iterable[str], *, cluster: bool, database: int = 0) -> str:
    """Return the rules of a Redis user (ACL SETUSER, ElastiCache) who may keep the records of these
    namespaces and do nothing else.

    https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
    """
    chosen = ("select",) if database else ()
    commands = (*COMMANDS, *(CLUSTER_COMMANDS if cluster else ()), *chosen)
    keys = (f"~{namespace}#*" for namespace in namespaces)
    return " ".join(["on", *keys, "-@all", *(f"+{command}" for command in commands)])


def _credentials(document: object) -> Credentials:
    if not isinstance(document, dict):
        raise ValueError('credentials is missing; expected an object, such as {"type": "none"}')
    kind = document.get("type")
    form = _TYPES.get(kind) if isinstance(kind, str) else None
    if form is None:
        raise ValueError(f"the type of credentials is unknown; expected one of {', '.join(_TYPES)}")
    rest = {name: value for name, value in document.items() if name != "type"}
    return form(**_fields(rest, f"credentials of type {kind}", form))


def _fields(document: object, what: str, form: Any) -> dict[str, Any]:
    """Return the fields of an object, if it has all that are needed, no others, and each is fine.

    Raises `ValueError`, which quotes no value."""
    if not isinstance(document, dict):
        raise ValueError(f"{what} is no JSON object")
    if unknown := sorted(document.keys() - set(form._fields)):
        raise ValueError(
            f"{what} has the unknown field {unknown[0]}; the fields are {', '.join(form._fields)}"
        )
    defaults = form._field_defaults
    if missing := [name for name in form._fields if name not in {**defaults, **document}]:
        raise ValueError(f"{what} lacks the field {missing[0]}")
    for name, kind in kinds_of(form).items():
        value = document.get(name, defaults.get(name))
        if value is None and name in defaults and defaults[name] is None:
            continue
        if (expected := kind.expected(value)) is not None:
            raise ValueError(f"{name} is not as expected: {expected}")
    return dict(document)


def _number(port: object) -> object:
    """Return the number that a text of digits means: ElastiCache tells its port as a text."""
    is_digits = isinstance(port, str) and port.isascii() and port.isdecimal()
    return Whole(least=0).read(str(port)) if is_digits else port


def _is_host(value: object) -> bool:
    if not isinstance(value, str) or set(value) & set(" /@?#[]\\") or value.count(":") == 1:
        return False
    if not value or not value.isprintable():
        return False
    if value.isascii():  # what the codec would say, whose import takes 2 ms
        *labels, last = value.split(".")
        return all(0 < len(label) < 64 for label in labels) and len(last) < 64
    try:
        return bool(value.encode("idna"))  # as it will be looked up
    except UnicodeError:
        return False
