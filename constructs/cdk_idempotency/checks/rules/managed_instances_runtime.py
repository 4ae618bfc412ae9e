"""Functions on Lambda Managed Instances with a Python that they do not have.

Fires when: A function on a capacity provider (Lambda Managed Instances) runs on Python 3.11 or
3.12, which Lambda refuses.
What to do: Use Python 3.13 or 3.14.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-runtimes.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aws_cdk import aws_lambda as lambda_

from ..model.deployment import Deployment
from ..model.leases import is_multi_concurrent
from ..rule import Violation, error

REFUSED: Final = (lambda_.Runtime.PYTHON_3_11.name, lambda_.Runtime.PYTHON_3_12.name)


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        runtime = deployment.properties(attached).get("runtime")
        if runtime in REFUSED and is_multi_concurrent(deployment, attached):
            yield Violation(
                attached.function,
                f"it has a capacity provider, and runs on {runtime}: Lambda Managed Instances have "
                "Python from 3.13 on. Use Python 3.13 or 3.14.",
            )
