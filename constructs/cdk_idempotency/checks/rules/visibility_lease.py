"""Queues that return a message while a dead attempt holds its key.

Fires when: A queue hides a message for no longer than an attempt may hold its key (with the
batching window): after a crash the message finds itself in progress, and uses up a delivery.
What to do: Give the queue a longer `visibility_timeout`; AWS advises six times the function's
timeout.

The message of an attempt that died comes back too early, finds itself in progress, fails, and has
used up one of the deliveries that the dead-letter queue allows. Lambda gathers a batch for up to
the batching window, while its messages are hidden already
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.durations import in_words
from ..model.leases import lease_of
from ..model.visibility import ADVICE, pollings
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    # On the queue, which is what to change.
    for polling in pollings(deployment):
        lease = lease_of(deployment, polling.attached, polling.timeout)
        window = polling.window
        if polling.is_refused or polling.visibility > lease + window:
            continue
        batch = f" after {in_words(window)} in which its batch was gathered" if window else ""
        yield Violation(
            polling.queue.resource,
            f"It hides a message for {in_words(polling.visibility)}, and {polling.attached.name} "
            f"may hold its key for {in_words(lease)}{batch}: a message that comes back before that "
            f"finds it in progress, and uses up a delivery. {ADVICE}",
        )
