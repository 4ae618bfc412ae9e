"""Metrics of a namespace that nothing writes to.

Fires when: A metric was asked for with a `namespace` that no attached function and no grantee has.
What to do: Take it from `namespaces`, as in `namespaces[function.node.path]`.

CloudWatch knows no difference between a metric that is zero and one that does not exist: an alarm
on it stays silent forever.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from aws_cdk import Token

from ..model.deployment import Deployment
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    known = {each.namespace for each in deployment.attached} | set(deployment.granted)
    if None in known:
        return  # a grantee may write under any
    wrong = sorted(
        name for name in deployment.asked if name not in known and not Token.is_unresolved(name)
    )
    if not wrong:
        return
    near = get_close_matches(wrong[0], [name for name in known if name], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    yield Violation(
        deployment.construct,
        f"A metric is asked for the namespace {wrong[0]!r}, which no function writes to, so an "
        f"alarm on it never fires{hint}. namespaces has the namespace of each attached function.",
    )
