"""The errors of steps that were not recorded."""

from __future__ import annotations

from ..errors import CommitError, LeaseLostError
from ..protocol.recovery import Fate
from ..protocol.steps import Failed, StepResult


def lost(name: str, key: str) -> LeaseLostError:
    """Return the error of a step whose record is another attempt's."""
    return LeaseLostError(
        f"Step {name!r} was not recorded: the attempt under record {key} has lost its lease "
        "(another one took over, or its record is gone). Retry to get the other attempt's answer."
    )


def unknown(name: str, key: str, why: str) -> CommitError:
    """Return the error of a step whose writes have an unknown fate."""
    return CommitError(
        f"Nobody knows whether the writes of step {name!r} under record {key} were applied: {why}. "
        "Retry: the record tells, at the latest when its lease has ended.",
        applied=None,
    )


def uncommitted(name: str, key: str, fate: Fate, reply: StepResult) -> CommitError:
    """Return the error of a step whose writes were not applied, as far as is known."""
    if fate == "unknown":
        return unknown(name, key, "the store did not answer")
    about = getattr(reply, "about", "a later step was recorded first")
    if isinstance(reply, Failed):
        about = "other requests kept writing the same items, or the table was throttled"
    return CommitError(
        f"The writes of step {name!r} under record {key} were not applied, and the step was not "
        f"recorded: {about}. A retry runs it again.",
        applied=False,
    )
