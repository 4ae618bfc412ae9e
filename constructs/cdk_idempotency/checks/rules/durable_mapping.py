"""Durable functions that get batches.

Fires when: An event source mapping leads to a durable function. It starts an execution for each
delivery of a batch, whose make-up changes when it comes again: `@idempotent` refuses a batch, and
`@idempotent_records` a durable function.
What to do: Map the source to an ordinary function with `@idempotent_records`, which starts an
execution for each record ([how](durable.md#which-name-to-give)). Acknowledge it where the function
has `@idempotent_function` in its steps alone.

https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking-esm.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached, mapping in deployment.mappings():
        if attached.settings.execution_timeout is not None:
            yield Violation(
                mapping,
                f"It starts an execution of {attached.name} for each batch that is delivered, and "
                "@idempotent refuses a batch, which is never the same when it comes again. Map the "
                "source to an ordinary function with @idempotent_records, which starts an "
                "execution for each record.",
            )
