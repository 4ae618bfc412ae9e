"""A Redis user's name and password, and when they are read again.

A password is a `Secret` from the moment at which it is read: a frame that an error passes has it in
no variable, since error trackers send those.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from ...errors import IdempotencyError
from ...tuples import NamedTuple
from ..net.deadline import Deadline
from ..net.renewing import Loaded, Renewing
from ..net.secret import Secret
from ..net.waiting import Waits
from .resp import pack


class Login(NamedTuple):
    """A user's name and password. Without a name, the user is `default`."""

    username: str | None
    password: Secret[str]

    def command(self) -> Secret[bytes]:
        """Return AUTH as it is sent."""
        names = () if self.username is None else (self.username,)
        return Secret(pack(("AUTH", *names, self.password.reveal())))


class LoadedCredentials:
    """Credentials that are loaded when needed, kept for a while, and forgotten when refused.

    Thread-safe. `place` says where they are stored, for errors.
    """

    def __init__(
        self,
        load: Callable[[Waits, Deadline], Awaitable[Login]],
        *,
        place: str,
        refresh_after: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = place
        self._load = load
        self._refresh_after = refresh_after
        self._clock = clock
        self._renewing = Renewing(
            self._loaded, failures=IdempotencyError, clock=clock, credentials=place
        )

    @property
    def known(self) -> Login | None:
        """The credentials that were loaded last, however long ago: existing connections need no
        newer ones."""
        return self._renewing.known

    async def current(self, waits: Waits, deadline: Deadline) -> Login:
        """Return credentials for a new connection.

        Raises `ConfigurationError` or `StoreError`, naming the place.
        """
        return await self._renewing.current(waits, deadline)

    def refused(self, login: Login) -> None:
        """Forget credentials that a server has refused, if they are still the current ones."""
        self._renewing.refused(login)

    async def _loaded(self, waits: Waits, deadline: Deadline) -> Loaded[Login]:
        login, known = await self._load(waits, deadline), self.known
        # An unchanged password stays the same object: `refused` recognizes it by identity.
        kept = known if known is not None and known == login else login
        return Loaded(kept, renew_at=self._clock() + self._refresh_after)
