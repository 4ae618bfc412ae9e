"""Large responses in a bucket that keeps them forever.

Fires when: The bucket of `large_responses` is imported, so nothing deletes responses from it.
What to do: Give it a lifecycle rule.

A bucket of the app gets a lifecycle rule for each function's objects.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...stores.large_responses import lifetime_days
from ..model.deployment import Deployment
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    if deployment.large_responses is None or not deployment.large_responses.is_imported:
        return
    for attached in deployment.attached:
        settings = attached.settings
        yield Violation(
            attached.function,
            "The bucket of large_responses is imported, so nothing deletes the responses of this "
            f"function: give it a lifecycle rule that expires {settings.namespace}/ after "
            f"{lifetime_days(settings.expires_after)} days.",
        )
