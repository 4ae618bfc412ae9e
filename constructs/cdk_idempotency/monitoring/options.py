"""The options of an alarm, for those who know their traffic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, TypedDict, get_args

from aws_cdk import Duration

from constructs import IConstruct
from lambda_idempotency.contract.rows import has_no

from ..accepted import refused
from ..errors import ConstructError

Urgency: TypeAlias = Literal["page", "ticket", "none"]


class AlarmOptions(TypedDict, total=False):
    """Options of an alarm; one that is left out has the alarm's own default."""

    threshold: float
    """The value from which it fires. Default: 1; of `AlmostFull`, 80 % of the maximum."""
    period: Duration
    """The time that is counted. Default: 5 minutes."""
    evaluation_periods: int
    """The periods that are looked at. Default: 1."""
    datapoints_to_alarm: int
    """The periods of these that must be over the threshold. Default: all."""
    urgency: Urgency
    """Who hears of it: `page`, `ticket`, or nobody. Default: docs/monitoring.md has each."""


_KINDS: Final[Mapping[str, tuple[Any, str]]] = {
    "threshold": (int | float, "a number"),
    "period": (Duration, "a Duration"),
    "evaluation_periods": (int, "a whole number"),
    "datapoints_to_alarm": (int, "a whole number"),
}


def check_options(scope: IConstruct, options: Any) -> None:
    """Raise ConstructError unless these are options by the names of alarms."""
    if not isinstance(options, Mapping):
        raise refused(scope, "options", options, "options by the names of alarms")
    for name, given in options.items():
        for option, value in given.items():
            if option == "urgency":
                accepted = ", ".join(map(repr, get_args(Urgency)))
                if value not in get_args(Urgency):
                    raise refused(scope, f"{option} of {name}", value, f"one of {accepted}")
            elif option not in _KINDS:
                raise ConstructError(
                    scope,
                    f"options of {name}: an alarm {has_no('option', option, [*_KINDS, 'urgency'])}",
                )
            elif not isinstance(value, _KINDS[option][0]) or isinstance(value, bool):
                raise refused(scope, f"{option} of {name}", value, _KINDS[option][1])
