"""Tenants that a client chooses.

Fires when: A REST API takes the tenant of a per-tenant function (`tenancy_config`) from what its
client sends: a header, the query or the path. A client that names another tenant gets that tenant's
answers.
What to do: Take the tenant from the authorizer (`context.authorizer.tenant`), or acknowledge it
where the authorizer compares the two.

The tenant is a part of the key (https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html),
and the method maps it to Lambda's header
(https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-invoke.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from aws_cdk import aws_apigateway as apigateway

from ..model.deployment import Deployment
from ..rule import Violation, warning

HEADER: Final = "integration.request.header.x-amz-tenant-id"
SENT: Final = "method.request."
"""The beginning of what a mapping takes from the request."""


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached, method in deployment.referring(apigateway.CfnMethod, _function_of):
        integration = deployment.tree.properties(method)["integration"]
        for name, source in (integration.get("requestParameters") or {}).items():
            if name.lower() == HEADER and isinstance(source, str) and source.startswith(SENT):
                yield Violation(
                    method,
                    f"It takes the tenant of {attached.name} from {source}, which its client "
                    "chooses: one that names another tenant gets that tenant's answers. Take it "
                    "from the authorizer, as in context.authorizer.tenant, or acknowledge this "
                    "where the authorizer compares the two.",
                )


def _function_of(method: apigateway.CfnMethod) -> Any:
    return getattr(method.integration, "uri", None)
