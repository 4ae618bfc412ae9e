"""The whole rotation: the four steps that Secrets Manager calls.

| step | what it does | if the token is already AWSCURRENT |
|---|---|---|
| createSecret | gives the version AWSPENDING a new password | nothing |
| setSecret | the server accepts the current and the pending password | nothing |
| testSecret | logs in with the pending password, on every node | nothing |
| finishSecret | tests again, moves AWSCURRENT, then removes the old password | removes it |

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

A step may be killed at any point, be repeated, or come late: Secrets Manager repeats the whole
rotation with the same token, and Lambda may deliver an event twice. So no step remembers anything:
the passwords to set follow from the secret's labels alone, and each step compares them with the
labels again after setting them. Therefore the AWSCURRENT password is valid on every node at every
moment, with one exception: a step that is held up while a whole other rotation runs. It then
repairs what it did.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from ..tuples import NamedTuple
from .errors import RotationError
from .secret import Secret, Stages, Version
from .waiting import Poller

_LOG: Final = logging.getLogger("lambda_idempotency.rotation")

READS: Final = 3
"""The reads in a row that must show the new version: Secrets Manager answers from many hosts, which
do not all learn of a change at the same time."""

ROUNDS: Final = 3
"""The most times that passwords are set again because the secret has changed meanwhile."""


class Strategy(Protocol):
    """A way to bring passwords to the server. Raises `RotationError`."""

    def set_passwords(self, user: str, passwords: Sequence[str]) -> None:
        """Give the user these one or two passwords, and no others, on every node."""
        ...

    def log_in(self, user: str, password: str) -> None:
        """Authenticate on every node that can be found, and run a command there."""
        ...


class _Wanted(NamedTuple):
    """The versions whose passwords must be valid: AWSCURRENT, and AWSPENDING if it has a value."""

    current: str | None
    pending: str | None
    versions: tuple[Version, ...]

    @property
    def passwords(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(version.password for version in self.versions))


class Rotation:
    """Rotates one user's password in one secret."""

    def __init__(self, secret: Secret, *, user: str, strategy: Strategy, poller: Poller) -> None:
        self._secret = secret
        self._user = user
        self._strategy = strategy
        self._poller = poller
        self._steps: Mapping[str, Callable[[str, Stages], None]] = {
            "createSecret": self._create,
            "setSecret": self._set,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }

    def run(self, event: Mapping[str, Any]) -> None:
        """Run one step: `{"Step", "SecretId", "ClientRequestToken"}`. Raises `RotationError`."""
        step, secret, token = (_text(event, n) for n in ("Step", "SecretId", "ClientRequestToken"))
        if step not in self._steps:
            raise RotationError(f"The step is unknown; expected one of {', '.join(self._steps)}")
        stages = self._secret.stages()
        self._check(secret, token, stages)
        if token == stages.current and step != "finishSecret":
            self._log(step, token, "is AWSCURRENT already, nothing to do")
            return
        self._steps[step](token, stages)

    def _check(self, secret: str, token: str, stages: Stages) -> None:
        """Check the event against the secret. Raises `RotationError`."""
        forms = (self._secret.arn, stages.arn, stages.arn[: -len("-abcdef")], stages.name)
        if secret not in forms:
            raise RotationError(
                f"This function rotates secret {stages.arn} only, and the event names another one: "
                "each secret needs a rotation function of its own"
            )
        if not stages.enabled:
            raise RotationError(f"Rotation of secret {stages.arn} is not enabled")
        if stages.current is None:
            raise RotationError(f"Secret {stages.arn} has no version AWSCURRENT: give it a value")
        self._demand_label(token, stages.current, stages.pending)

    def _create(self, token: str, stages: Stages) -> None:
        current = self._version(stages.current)
        if self._secret.version(token) is not None:
            self._log("createSecret", token, "has a password already")
            return
        # ElastiCache wants 16 to 128 printable characters, and none of , " / @
        # https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
        fields = {**current.fields, "password": secrets.token_urlsafe(32)}
        stored = self._secret.put_pending(token, fields)
        self._log("createSecret", token, "has a new password" if stored else "has one already")

    def _set(self, token: str, _: Stages) -> None:
        self._version(token)
        self._apply(token)
        self._log("setSecret", token, "is valid, and so is what is AWSCURRENT")

    def _test(self, token: str, stages: Stages) -> None:
        self._log_in(token, stages)
        self._log("testSecret", token, "is accepted by every node")

    def _finish(self, token: str, stages: Stages) -> None:
        if stages.current is not None and stages.current != token:
            # A node may have joined after testSecret: test again before readers get the password.
            self._log_in(token, stages)
            self._secret.make_current(token, instead_of=stages.current)
            self._log("finishSecret", token, "is AWSCURRENT now")
        # The old password must work as long as any reader can get it.
        self._poller.until(
            lambda: self._is_current_everywhere(token),
            what=f"version {token} of secret {self._secret.arn} is what its readers get",
            every=1.0,
        )
        if self._apply(token).current != token:
            raise RotationError(
                f"Version {token} of secret {self._secret.arn} is no longer AWSCURRENT"
            )
        self._log("finishSecret", token, "is the only valid one")

    def _log_in(self, token: str, stages: Stages) -> None:
        pending = self._version(token)
        _same_server(self._version(stages.current), pending)
        self._strategy.log_in(self._user, pending.password)

    def _is_current_everywhere(self, token: str) -> bool:
        stages = self._secret.stages()
        self._demand_label(token, stages.current, stages.pending)
        reads = (self._secret.current_version() for _ in range(READS))
        return stages.current == token and all(read == token for read in reads)

    def _demand_label(self, token: str, *labeled: str | None) -> None:
        if token not in labeled:
            raise RotationError(
                f"Version {token} of secret {self._secret.arn} is neither AWSPENDING nor "
                "AWSCURRENT, so this event is no part of the rotation under way"
            )

    def _apply(self, token: str) -> _Wanted:
        """Set the secret's passwords, until the secret is the same before and after; return that.

        Otherwise a step that was held up halfway would leave outdated passwords.
        """
        wanted = self._wanted()
        self._demand_label(token, wanted.current, wanted.pending)
        for _ in range(ROUNDS):
            self._strategy.set_passwords(self._user, wanted.passwords)
            before, wanted = wanted, self._wanted()
            if wanted == before:
                return wanted
        raise RotationError(f"Secret {self._secret.arn} keeps changing; the next try continues")

    def _wanted(self) -> _Wanted:
        """Return the versions that the secret demands now."""
        stages = self._secret.stages()
        current = self._version(stages.current)
        if stages.pending in (None, stages.current):
            return _Wanted(stages.current, None, (current,))
        pending = self._secret.version(str(stages.pending))
        if pending is None:
            return _Wanted(stages.current, stages.pending, (current,))
        _same_server(current, self._of_user(pending))
        return _Wanted(stages.current, stages.pending, (current, pending))

    def _version(self, version: str | None) -> Version:
        """Return a version. Raises `RotationError` if it has no value or is for another user."""
        found = None if version is None else self._secret.version(version)
        if found is None:
            raise RotationError(
                f"Version {version} of secret {self._secret.arn} has no value; expected that "
                "createSecret has given it one"
            )
        return self._of_user(found)

    def _of_user(self, version: Version) -> Version:
        if version.username != self._user:
            raise RotationError(
                f"The username in {version.place} is not {self._user}, whose password this "
                "function rotates"
            )
        return version

    def _log(self, step: str, token: str, what: str) -> None:
        _LOG.info(
            "%s: version %s of secret %s, user %s, %s",
            step,
            token,
            self._secret.arn,
            self._user,
            what,
        )


def _same_server(current: Version, pending: Version) -> None:
    """Raise `RotationError` if the two versions name different servers."""
    for name in ("host", "port"):
        if str(current.fields.get(name)) != str(pending.fields.get(name)):
            raise RotationError(
                f"The {name} in {pending.place} is not that in {current.place}: a rotation changes "
                "the password only"
            )


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise RotationError(
            f"The event has no {name}; expected that Secrets Manager calls this function"
        )
    return value
