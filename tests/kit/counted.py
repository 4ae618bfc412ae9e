"""A store that tells what it was asked, in which order, and loses what it is told to lose."""

from __future__ import annotations

from collections.abc import Callable

from kit.clocks import ManualClock
from lambda_idempotency import MemoryStore, StoreError
from lambda_idempotency.protocol.record import Claim, Completion, Record, Reply


class CountedStore(MemoryStore):
    """Notes each request in `sent`. `lost` names requests by their numbers, from 0, and whether
    they take effect all the same: then only the reply is lost."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.sent: list[str] = []
        self.lost: dict[int, bool] = {}
        self._requests = 0

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        return self._send("claim", lambda: MemoryStore.claim(self, claim, seen))

    def complete(self, completion: Completion) -> Reply:
        return self._send("complete", lambda: MemoryStore.complete(self, completion))

    def release(self, key: str, owner: str) -> Reply:
        return self._send("release", lambda: MemoryStore.release(self, key, owner))

    def read(self, key: str) -> Reply:
        return self._send("read", lambda: MemoryStore.read(self, key))

    def _send(self, verb: str, take: Callable[[], Reply]) -> Reply:
        number = self._requests
        self._requests += 1
        self.sent.append(verb)
        if number not in self.lost:
            return take()
        if self.lost[number]:
            take()
        raise StoreError("lost")


class PairingStore(CountedStore):
    """One that takes a completion and a claim together."""

    def complete_and_claim(
        self, completion: Completion, claim: Claim
    ) -> tuple[Reply | Exception, Reply | Exception]:
        """See `Store`."""
        at = len(self.sent)
        sends: list[Callable[[], Reply]] = [
            lambda: self.complete(completion),
            lambda: self.claim(claim),
        ]
        completed, claimed = map(_caught, sends)
        self.sent[at:] = ["complete + claim"]
        return completed, claimed


def _caught(send: Callable[[], Reply]) -> Reply | Exception:
    try:
        return send()
    except StoreError as error:
        return error
