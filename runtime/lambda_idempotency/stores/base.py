"""The base class of stores: their verbs, and what a store says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

from ..errors import StoreError
from ..protocol.record import FORMAT, Claim, Completion, Conflict, Record, Reply

ReplyOrError: TypeAlias = Reply | Exception


class Store(ABC):
    """A place where records are kept: the base class of every store, yours too.

    Each verb is one request that takes effect as a whole or not at all, at the `now` of its reply.
    An expired record counts as absent. Raise `StoreError` where the store cannot be reached.
    `StoreContract` in `lambda_idempotency.testing.store_contract` tests any store.
    """

    __slots__ = ()

    max_data: int | None = None
    """The most bytes of `data` that a record can hold; None: any number."""

    transactional: bool = False
    """True if the `writes` of a completion or a step take effect with the record, or not at all."""

    renews: bool = False
    """True if the store has `renew`. Without it there are no steps, and a lease must be longer than
    the longest call."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name that no other store has: for instance server, port and database. Two objects for
        the same records have one name. Reading it sends no request, and raises nothing."""

    @property
    def label(self) -> str:
        """The `store` dimension of the metrics: the name, unless a store has a shorter one."""
        return self.name

    @abstractmethod
    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        """Write `claim.record(now)`. Without `seen`, write where the record is absent or expired.
        With it, write only over the INPROGRESS record of that owner and revision whose lease has
        ended; without a record the reply is `Absent`: an attempt that released its key has not
        died."""

    @abstractmethod
    def complete(self, completion: Completion) -> Reply:
        """Write `completion.record(now)` over the owner's own INPROGRESS record, whether its lease
        has ended or not. Unless the completion is `strict`, write also where there is no record if
        `completion.may_create(now)`, and, if it has no `writes`, over a PARKED one. Reply
        `WritesRefused` where its `writes` cannot be applied; a store that is not `transactional` is
        never given any."""

    @abstractmethod
    def release(self, key: str, owner: str) -> Reply:
        """Delete the owner's own INPROGRESS record, whether its lease has ended or not, unless it
        has steps."""

    @abstractmethod
    def read(self, key: str) -> Reply:
        """Return the record as a `Conflict`, strongly consistent; `Absent` where it has expired."""

    def renew(self, claim: Claim) -> Reply:
        """Write `claim.record(now)` over the owner's own INPROGRESS record, whether its lease has
        ended or not, if its revision is not higher than the claim's; lower if the claim has
        `writes`, which take effect together with it. Reply `WritesRefused` where they cannot be
        applied. Only asked for where `renews` is set, and given `writes` where `transactional`
        is."""
        raise NotImplementedError(f"{type(self).__name__} has no renew(), and says that it renews")

    def complete_and_claim(
        self, completion: Completion, claim: Claim
    ) -> tuple[ReplyOrError, ReplyOrError]:
        """Complete one record and claim another. Return the reply or exception of each: one may
        fail alone. Do one after the other, unless the store can do both in one round trip."""
        return attempted(lambda: self.complete(completion)), attempted(lambda: self.claim(claim))


def about(key: str, reply: Reply, store: Store) -> Reply:
    """Return a store's reply, if it is about this key. Raise `StoreError` if not."""
    if isinstance(reply, Conflict) and reply.record.key != key:
        raise another_record(f"The store {store.label}")
    return reply


def another_record(where: str) -> StoreError:
    """Return the error for an answer about a record that was not asked for. It names no record."""
    return StoreError(
        f"{where} answered with another record than the one that was asked for, so nothing follows "
        "from the answer. Two processes may share a connection, or a proxy mixes up replies; open "
        "clients after a fork, and retry."
    )


def newer_format(record: str, found: str) -> StoreError:
    """Return the error for a record of a format that this release cannot read."""
    return StoreError(
        f"{record} has the format {found[:20]!r}, and this release reads {FORMAT!r}: a newer "
        "release of cdk-idempotency wrote it. It is left alone until it expires; let all "
        "functions that share this namespace run the newer release."
    )


def attempted(send: Callable[[], Reply]) -> ReplyOrError:
    """Return the reply, or the exception in its place."""
    try:
        return send()
    except Exception as error:  # noqa: BLE001 - it is the answer, to one of two requests
        return error
