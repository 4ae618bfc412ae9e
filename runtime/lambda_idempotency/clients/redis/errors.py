"""What goes wrong on the way to a server, apart from its sockets, and what may help."""

from __future__ import annotations

from typing import Final

from ...contract.redis import RedisSettings
from .credentials import Login
from .resp import ReplyError, ResponseError


class HandshakeError(Exception):
    """The server refused a command that sets up a connection, but not for the credentials.

    `code` is the first word of the server's error; the rest may quote a password.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RefusedError(Exception):
    """The server refused these credentials."""

    def __init__(self, login: Login) -> None:
        super().__init__("the credentials are refused")
        self.login = login


class ClusterError(Exception):
    """A cluster does not say where a key is, or the server is none."""


FAILURES: Final = (
    OSError,
    ResponseError,
    ReplyError,
    HandshakeError,
    RefusedError,
    ClusterError,
)
"""All that can be raised on the way to a server. After any of them the command may have taken
effect."""


def handshake_error(reply: ReplyError, login: Login | None) -> Exception:
    """Return the error to raise for the reply to a command that sets up a connection."""
    if login is not None and is_refusal(reply):
        return RefusedError(login)
    return reply if is_passing(reply) else HandshakeError(str(reply))


def is_refusal(reply: object) -> bool:
    """Tell whether the server refuses the credentials, or asks for some."""
    if not isinstance(reply, ReplyError):
        return False
    # The server's words for a password where it has none: no ACL user, or `nopass`.
    return reply.status_code in ("WRONGPASS", "NOAUTH") or "without any password" in reply.words


def is_passing(reply: object) -> bool:
    """Tell whether a pause, or other settings, may make the error go away."""
    if not isinstance(reply, ReplyError):
        return False
    return reply.status_code in _WORDS or is_replica(reply) or is_full(reply)


def is_replica(reply: ReplyError) -> bool:
    """Tell whether a replica was asked to write."""
    # When a command in a script fails, Redis 6 puts words of its own before the error's code.
    return reply.status_code == "READONLY" or " -READONLY " in reply.words


def is_full(reply: ReplyError) -> bool:
    """Tell whether the server takes no more clients."""
    return "max number of clients" in reply.words


def code_of(error: Exception) -> str:
    """Return the server's code of an error, or the name of its type."""
    return error.status_code if isinstance(error, ReplyError) else type(error).__name__


def reason_of(error: Exception, settings: RedisSettings) -> str:
    """Say what went wrong, in our own words: the server's may quote what it was sent."""
    import socket
    import ssl

    if isinstance(error, ClusterError):
        return str(error)
    if isinstance(error, ReplyError):
        return _reason_in(error, settings)
    for kind, words in (
        (ssl.SSLCertVerificationError, "its certificate is not trusted; see `ca` and `host`"),
        (ssl.SSLError, "the TLS handshake failed; does it speak TLS on this port?"),
        (socket.gaierror, "its name is not known"),
        (ConnectionRefusedError, "the connection was refused; does it listen there?"),
        (TimeoutError, "no answer in time; is there a route, and a security group?"),
        (HandshakeError, "it takes no AUTH, or does not let this user into `database`"),
    ):
        if isinstance(error, kind):
            return words
    hint = "" if settings.tls else "; does it speak TLS?"
    if isinstance(error, ResponseError):
        return f"it does not answer as Redis does ({error}){hint}"
    return f"the connection was closed ({type(error).__name__}){hint}"


def _reason_in(error: ReplyError, settings: RedisSettings) -> str:
    if is_replica(error):
        return "it is a replica; the settings must name the primary"
    if is_full(error):
        return "it has as many clients as it takes; raise its maxclients"
    if error.status_code in ("MOVED", "ASK") and not settings.cluster:
        return "it is a node of a cluster, and `cluster` is false"
    return _WORDS[error.status_code]


_WORDS: Final = {
    "ASK": "its nodes do not agree about a slot",
    "CLUSTERDOWN": "the cluster is down",
    "LOADING": "it is loading its data",
    "MASTERDOWN": "it is a replica, and its primary is down",
    "MOVED": "its nodes do not agree about a slot",
    "TRYAGAIN": "a slot is on its way to another node",
}
