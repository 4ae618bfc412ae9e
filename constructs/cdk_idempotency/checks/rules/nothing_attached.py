"""A store that no function uses.

Fires when: Nothing is attached to an `Idempotency`, and it grants its use to nobody.
What to do: `attach` the functions whose handlers are decorated, or remove the construct.

A function that is not attached has neither layer nor settings: its decorator raises when Lambda
imports it, or finds another store than this one.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    if not deployment.attached and not deployment.granted:
        yield Violation(
            deployment.construct,
            "No function is attached to it, so it protects nothing. Call attach(function) for each "
            "function with a decorated handler, or remove it.",
        )
