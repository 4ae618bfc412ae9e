"""A function's log settings keep the lines that its metrics are made of.

The layer writes them to the standard output in CloudWatch's embedded metric format, which has no
level. With the JSON log format Lambda takes such a line for INFO, and an application log level
above that drops it
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..model.deployment import Deployment
from ..model.finding import Finding, warning

ABOVE_INFO: Final = ("WARN", "ERROR", "FATAL")


def check(deployment: Deployment) -> Iterator[Finding]:
    """With the text format, which is the default, Lambda drops nothing."""
    for attached in deployment.attached:
        if not attached.settings.metrics:
            continue
        settings = deployment.tree.properties(attached.resource).get("loggingConfig", {})
        level = settings.get("applicationLogLevel")
        if settings.get("logFormat") == "JSON" and level in ABOVE_INFO:
            yield warning(
                "log-level",
                attached.function,
                f"Its application log level {level} drops the lines that its metrics are made of, "
                "which Lambda takes for INFO. Pass application_log_level_v2=ApplicationLogLevel."
                "INFO and set the level of your own loggers in the code, or metrics=False.",
            )
