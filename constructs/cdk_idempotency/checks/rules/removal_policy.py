"""Stores that would be replaced by a snapshot, of which there is none.

Fires when: The removal policy of the table or the cache is SNAPSHOT: CloudFormation rejects the
template.
What to do: RETAIN, which is the table's default, or DESTROY. A table's copies are its
point-in-time recovery and its backups.

CloudFormation takes snapshots of a few kinds of resources, and these are not among them
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import CfnDeletionPolicy, CfnResource

from ..model.deployment import Deployment
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    for resource in _stores(deployment):
        if resource.cfn_options.deletion_policy == CfnDeletionPolicy.SNAPSHOT:
            yield Violation(
                resource,
                "its removal policy is SNAPSHOT, and CloudFormation takes no snapshot of such a "
                "resource: pass RemovalPolicy.RETAIN, or DESTROY.",
            )


def _stores(deployment: Deployment) -> Iterator[CfnResource]:
    if deployment.table is not None:
        yield deployment.table.resource
    server = deployment.store.server
    if server is not None and server.cache is not None:
        yield server.cache
