"""The schedule of a rotation."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration

from constructs import IConstruct

from ..errors import ConstructError

DAYS: Final = 30
SHORTEST: Final = 4
LONGEST: Final = 1000 * 24
"""Hours (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html)."""


def schedule_expression(scope: IConstruct, every: Duration | None) -> str:
    """Return the `rate` of Secrets Manager (None: every 30 days). Raise ConstructError for a time
    that it does not take."""
    if every is None:
        return f"rate({DAYS} days)"
    if not isinstance(every, Duration):
        raise ConstructError(scope, f"every is {every!r}; expected a Duration")
    if every.is_unresolved():
        raise ConstructError(
            scope, "every is a CDK token; pass a Duration whose length is known at synth"
        )
    hours = every.to_hours(integral=False)
    if hours != int(hours) or not SHORTEST <= hours <= LONGEST:
        raise ConstructError(
            scope, f"every is {every.to_human_string()}; expected whole hours, 4 hours to 1000 days"
        )
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"rate({int(count)} {unit}{'' if count == 1 else 's'})"
