"""Durable functions whose executions are forgotten before their records expire.

Fires when: Lambda forgets the executions of a durable function (`retention_period`, 14 days by
default) before their records expire (`expires_after`). Of one that was stopped, timed out, or could
not record its answer, only Lambda knows what became of it. Once that is forgotten, a duplicate is
parked, or asks `on_orphan`.
What to do: Give the function's `durable_config` a `retention_period` of at least `expires_after`,
or let answers expire sooner.

The retention begins when an execution has ended
(https://docs.aws.amazon.com/lambda/latest/api/API_DurableConfig.html). So does the time for which
an answer is kept. The other way around is in order: an execution that outlives its record is asked
about by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..model.deployment import AttachedFunction, Deployment
from ..model.durations import in_words
from ..rule import Violation, warning

RETENTION: Final = 14
"""Days for which Lambda remembers an execution that has ended, if nothing is set."""

DAY: Final = 24 * 3600


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        kept, remembered = attached.settings.expires_after, _retention(deployment, attached)
        if remembered is not None and kept > remembered:
            yield Violation(
                attached.function,
                f"Lambda forgets an execution {in_words(remembered)} after its end, and its record "
                f"is kept for {in_words(kept)}. A duplicate that comes between them cannot learn "
                "what became of an execution that was stopped, timed out, or did not record its "
                "answer, and its key is parked. Give durable_config a retention_period of at least "
                f"{in_words(kept)}, or pass a shorter expires_after.",
            )


def _retention(deployment: Deployment, attached: AttachedFunction) -> float | None:
    """Return the seconds for which an execution is remembered; None where that is not known, and
    for an ordinary function."""
    config = deployment.properties(attached).get("durableConfig")
    days = None if config is None else config.get("retentionPeriodInDays", RETENTION)
    return days * DAY if isinstance(days, int | float) else None
