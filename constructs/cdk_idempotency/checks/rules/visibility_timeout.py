"""Queues that return a message while the function runs.

Fires when: A queue's visibility timeout is below the timeout of the function that it is mapped to,
which Lambda refuses.
What to do: Give the queue a longer `visibility_timeout`; AWS advises six times the function's
timeout.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.durations import in_words
from ..model.visibility import ADVICE, pollings
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    # On the queue, which is what to change.
    for polling in pollings(deployment):
        if polling.is_refused:
            yield Violation(
                polling.queue.resource,
                f"it hides a message for {in_words(polling.visibility)}, {polling.attached.name} "
                f"may run for {in_words(polling.timeout)}, and Lambda refuses an event source "
                f"mapping of the two. {ADVICE}",
            )
