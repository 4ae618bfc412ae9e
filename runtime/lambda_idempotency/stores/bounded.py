"""Stores that users write: no call waits for one longer than it has time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..clients.net.brought import Brought
from ..clients.net.waiting import Waits
from ..errors import StoreError
from .base import Store
from .coroutines import Wrapped

T = TypeVar("T")


class BoundedStore(Wrapped):
    """A store whose verbs work in threads, which a call leaves behind when its time is over. They
    may still take effect, under the fence."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._threads = Brought()

    @property
    def on_loop(self) -> bool:
        return True

    async def _done(self, verb: Callable[[], T], waits: Waits) -> T:
        try:
            return await self._threads.ask(verb, waits)
        except TimeoutError as error:
            raise StoreError(f"the store {self.label} did not answer in time") from error
