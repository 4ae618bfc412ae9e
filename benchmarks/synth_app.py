"""A CDK app of many functions, attached or alone; prints the seconds its synthesis takes.

Started as `python -m benchmarks.synth_app FUNCTIONS STACKS attached|alone`.
"""

from __future__ import annotations

import sys
import time

from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency


def main(functions: int, stacks: int, *, attached: bool) -> None:
    """Builds and synthesizes."""
    app = App(analytics_reporting=False)
    started = time.perf_counter()
    for number in range(stacks):
        stack = Stack(app, f"Stack{number}")
        idempotency = Idempotency(stack, "Idempotency", key="id") if attached else None
        for n in range(functions // stacks):
            function = lambda_.Function(
                stack,
                f"Function{n}",
                runtime=lambda_.Runtime.PYTHON_3_13,
                handler="index.handler",
                code=lambda_.Code.from_inline("def handler(event, context): return event"),
            )
            if idempotency is not None:
                idempotency.attach(function)
    app.synth()
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), attached=sys.argv[3] == "attached")
