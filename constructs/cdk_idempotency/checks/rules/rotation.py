"""Rotations that may lock functions out.

Fires when: The secret of the Redis user is rotated by a function that is not `RedisRotation`'s, or
by a hosted one: while it runs, functions that connect may be refused.
What to do: Pass `rotation=RedisRotation...` in its place, or acknowledge it where the function
keeps two passwords valid.

Where the old password is not valid beside the new one, functions that connect between the steps of
a rotation are refused: the server has the new password, and AWSCURRENT is still the old one
(https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_

from lambda_idempotency.contract.rotation import HANDLER

from ..model.deployment import Deployment
from ..model.tree import ConstructTree
from ..rule import Violation, warning

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    server = deployment.store.server
    if server is None or server.secret is None:
        return
    from aws_cdk import aws_secretsmanager as secretsmanager  # an app without Redis has no need

    tree = deployment.tree
    for schedule in tree.resources(secretsmanager.CfnRotationSchedule):
        if _is_of(tree, schedule, server.secret) and _is_foreign(tree, schedule):
            yield Violation(
                schedule,
                "This rotates the password of the Redis user by a function that may not keep the "
                "old one valid while it runs, so that functions are refused meanwhile. Pass "
                "rotation=RedisRotation.acl(...) or .elasticache(...) to RedisCredentials.secret() "
                "instead.",
            )


def _is_of(
    tree: ConstructTree,
    schedule: secretsmanager.CfnRotationSchedule,
    secret: secretsmanager.ISecret,
) -> bool:
    if schedule.secret_id in (secret.secret_arn, secret.secret_full_arn, secret.secret_name):
        return True
    paths = {resource.node.path for resource in tree.referenced(secret, secret.secret_arn)}
    return any(
        resource.node.path in paths for resource in tree.referenced(schedule, schedule.secret_id)
    )


def _is_foreign(tree: ConstructTree, schedule: secretsmanager.CfnRotationSchedule) -> bool:
    """Return true if it calls a function that is not `RedisRotation`'s."""
    if schedule.rotation_lambda_arn is None:
        # Without any function it is of a service that rotates its own secrets.
        return schedule.hosted_rotation_lambda is not None
    return not any(
        isinstance(resource, lambda_.CfnFunction) and resource.handler == HANDLER
        for resource in tree.referenced(schedule, schedule.rotation_lambda_arn)
    )
