"""What an operator does to a record, under the fence of what was seen."""

from __future__ import annotations

import click

from lambda_idempotency.protocol.record import (
    PARKED,
    PARKED_FOR_MS,
    Absent,
    Conflict,
    Record,
    Reply,
    expiration,
)

from .errors import NotThereError, RefusedError
from .records.base import Found, Records


def found(records: Records, key: str) -> Found:
    """Return a record. Raises `NotThereError`."""
    record = records.find(key)
    if record is None:
        raise NotThereError(f"There is no record {key} in {records.place}")
    return record


def release(records: Records, seen: Found, *, forced: bool, forget_steps: bool) -> str:
    """Let the next request run. Return what was done."""
    record = seen.record
    if record.steps is None or forget_steps:
        _check(records.delete(record, forced=forced), record)
        return "The record is gone. The next request runs."
    if seen.state != "live":
        raise RefusedError(
            f"The next request under {record.key} goes on after its recorded steps already. To "
            "let it run from the beginning, pass --forget-steps"
        )
    # Not given up: the next attempt then asks what this one has done, as after any death.
    ended = record._replace(lease_end=seen.now, revision=record.revision + 1)
    _check(records.put(ended, record, forced=forced), record)
    return "The lease has ended. The next request goes on after the recorded steps."


def park(records: Records, seen: Found, *, forced: bool) -> str:
    """Stop the key. Return what was done."""
    record = seen.record
    parked = record._replace(
        status=PARKED,
        expiration=expiration(seen.now, PARKED_FOR_MS),
        lease_end=0,
        revision=0,
        steps=None,
        execution=None,
    )
    _check(records.put(parked, record, forced=forced), record)
    return "The key is parked for 14 days. Nothing runs under it until it is released."


def confirm(seen: Found, warning: str, *, force: bool, confirmed: str | None, yes: bool) -> bool:
    """Ask, and return whether a live record may be changed. Raises `RefusedError`.

    A live record needs `force`, and its id typed once more.
    """
    key = seen.record.key
    if seen.state != "live":
        if not yes and not click.confirm(f"{warning} Go on?", err=True):
            raise RefusedError("Nothing was done")
        return False
    if not force:
        raise RefusedError(
            f"{key} is live: its attempt may still be running, and a second one would run beside "
            "it. Wait until the lease ends (`watch` tells), or pass --force if you know that the "
            "attempt is dead"
        )
    if confirmed is None:
        click.echo(f"{key} is live. {warning} If its attempt runs, a second one may.", err=True)
        confirmed = click.prompt("Type the record's id to go on", err=True)
    if confirmed != key:
        raise RefusedError("That is not the record's id. Nothing was done")
    return True


def _check(reply: Reply, seen: Record) -> None:
    if isinstance(reply, Absent):
        raise RefusedError(f"{seen.key} is gone meanwhile. Nothing was done")
    if isinstance(reply, Conflict):
        raise RefusedError(
            f"{seen.key} has changed since it was read: it is {reply.record.status} now, and "
            f"{'the same attempt' if reply.record.owner == seen.owner else 'another attempt'} "
            "holds it. Nothing was done; look at it again"
        )
