"""While a password is rotated, the old one is valid too.

Otherwise functions that connect between the steps of a rotation are refused: the server has the new
password, and AWSCURRENT is still the old one (https://docs.aws.amazon.com/secretsmanager/latest/
userguide/rotation-strategy.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_

from lambda_idempotency.rotation.settings import HANDLER

from ..model.deployment import Deployment
from ..model.finding import Finding, warning
from ..model.tree import Tree

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above. A schedule without any function is that of a service which rotates its own."""
    server = deployment.store.server
    if server is None or server.secret is None:
        return
    from aws_cdk import aws_secretsmanager as secretsmanager  # an app without Redis has no need

    tree = deployment.tree
    for schedule in tree.resources(secretsmanager.CfnRotationSchedule):
        if _is_of(tree, schedule, server.secret) and _is_foreign(tree, schedule):
            yield warning(
                "rotation",
                schedule,
                "This rotates the password of the Redis user by a function that may not keep the "
                "old one valid while it runs, so that functions are refused meanwhile. Pass "
                "rotation=RedisRotation.acl(...) or .elasticache(...) to RedisCredentials.secret() "
                "instead.",
            )


def _is_of(
    tree: Tree, schedule: secretsmanager.CfnRotationSchedule, secret: secretsmanager.ISecret
) -> bool:
    if schedule.secret_id in (secret.secret_arn, secret.secret_full_arn, secret.secret_name):
        return True
    paths = {resource.node.path for resource in tree.behind(secret, secret.secret_arn)}
    return any(
        resource.node.path in paths for resource in tree.behind(schedule, schedule.secret_id)
    )


def _is_foreign(tree: Tree, schedule: secretsmanager.CfnRotationSchedule) -> bool:
    """Whether it calls a function that is not `RedisRotation`'s."""
    if schedule.rotation_lambda_arn is None:
        return schedule.hosted_rotation_lambda is not None
    return not any(
        isinstance(resource, lambda_.CfnFunction) and resource.handler == HANDLER
        for resource in tree.behind(schedule, schedule.rotation_lambda_arn)
    )
