"""Log levels that drop the lines of metrics.

Fires when: The log format is JSON and the application log level above INFO: Lambda drops the lines
that metrics are made of.
What to do: Set the level to INFO, and that of your own loggers in the code; or `metrics=False`.

The layer writes them to the standard output in CloudWatch's embedded metric format, which has no
level. With the JSON log format Lambda takes such a line for INFO, and an application log level
above that drops it. With the text format, which is the default, Lambda drops nothing
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..model.deployment import Deployment
from ..rule import Violation, warning

ABOVE_INFO: Final = ("WARN", "ERROR", "FATAL")


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        if not attached.settings.metrics:
            continue
        settings = deployment.properties(attached).get("loggingConfig", {})
        level = settings.get("applicationLogLevel")
        if settings.get("logFormat") == "JSON" and level in ABOVE_INFO:
            yield Violation(
                attached.function,
                f"Its application log level {level} drops the lines that its metrics are made of, "
                "which Lambda takes for INFO. Pass application_log_level_v2=ApplicationLogLevel."
                "INFO and set the level of your own loggers in the code, or metrics=False.",
            )
