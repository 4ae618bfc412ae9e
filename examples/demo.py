"""`make demo`: deploys the example on a local AWS, sends duplicates, and counts the effects.

Exit code 0 only if every payment had exactly one effect.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from kit.local_aws import LocalAws

PATIENCE = 90  # seconds


@dataclass(frozen=True)
class Answer:
    """What one client got: the request it was charged for, whether that was its own, and how."""

    payment_id: str
    charged_for: str
    ran: bool
    milliseconds: float
    conflicts: int
    crashes: int


@dataclass(frozen=True)
class Round:
    """One row of the result."""

    name: str
    answers: list[Answer]
    effects: int

    @property
    def payments(self) -> int:
        """How many effects there should be."""
        return len({answer.payment_id for answer in self.answers})

    @property
    def one_effect_each(self) -> bool:
        """Whether every payment took effect once, and all its clients got the same answer."""
        charges = {(answer.payment_id, answer.charged_for) for answer in self.answers}
        return self.effects == self.payments == len(charges)


class Demo:
    """The deployed example and its clients."""

    def __init__(self, aws: LocalAws, outputs: dict[str, str]) -> None:
        self._lambda = aws.client("lambda")
        self._dynamodb = aws.client("dynamodb")
        self._function = outputs["FunctionName"]
        self._ledger = outputs["LedgerName"]

    def round(self, name: str, payments: Iterable[dict[str, Any]], *, clients: int) -> Round:
        """Sends the payments, by so many clients at once, and counts the new ledger entries."""
        before = self._effects()
        with ThreadPoolExecutor(max_workers=clients) as pool:
            answers = list(pool.map(self._pay, payments))
        return Round(name, answers, self._effects() - before)

    def _pay(self, payment: dict[str, Any]) -> Answer:
        """Invokes until there is an answer, as a client with retries does."""
        met: Counter[str] = Counter()
        give_up = time.monotonic() + PATIENCE
        pause = 0.1
        while True:
            request_id = uuid4().hex
            event = {**payment, "request_id": request_id}
            started = time.perf_counter()
            response = self._lambda.invoke(
                FunctionName=self._function, Payload=json.dumps(event).encode()
            )
            milliseconds = (time.perf_counter() - started) * 1000
            body = json.loads(response["Payload"].read())
            if "FunctionError" not in response:
                return Answer(
                    payment_id=payment["payment_id"],
                    charged_for=body["charged_for"],
                    ran=body["charged_for"] == request_id,
                    milliseconds=milliseconds,
                    conflicts=met["conflict"],
                    crashes=met["crash"],
                )
            message = str(body.get("errorMessage"))
            met["conflict" if "in progress" in message else "crash"] += 1
            if time.monotonic() > give_up:
                raise RuntimeError(f"no answer within {PATIENCE} s; the last error: {message}")
            time.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, 2)

    def _effects(self) -> int:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._ledger, Select="COUNT", ConsistentRead=True
        )
        return sum(page["Count"] for page in pages)


def table(rounds: list[Round]) -> str:
    """The result, as text."""
    head = (
        *("", "requests", "payments", "effects", "replays", "conflicts", "crashes"),
        *("first, ms", "replay, ms"),
    )
    rows = [
        (
            row.name,
            str(len(row.answers)),
            str(row.payments),
            str(row.effects),
            str(sum(not answer.ran for answer in row.answers)),
            str(sum(answer.conflicts for answer in row.answers)),
            str(sum(answer.crashes for answer in row.answers)),
            _median(answer.milliseconds for answer in row.answers if answer.ran),
            _median(answer.milliseconds for answer in row.answers if not answer.ran),
        )
        for row in rounds
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = (
        "  ".join(
            (cell.ljust if column == 0 else cell.rjust)(widths[column])
            for column, cell in enumerate(row)
        )
        for row in (head, *rows)
    )
    return "\n".join(lines)


def _payment(payment_id: str, **more: Any) -> dict[str, Any]:
    return {"payment_id": payment_id, "amount": 100, **more}


def _median(values: Iterable[float]) -> str:
    known = list(values)
    return f"{median(known):.0f}" if known else "-"


def _step(text: str, action: Callable[[], Any]) -> Any:
    print(f"  {text} ...", end="", flush=True)
    started = time.monotonic()
    result = action()
    print(f" {time.monotonic() - started:.1f} s")
    return result


def main() -> int:
    """Runs the demo; returns the exit code."""
    print("One payment, many requests: how often is the customer charged?\n")
    # A polite kill ends the demo as Ctrl-C does: everything it started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as scratch, LocalAws(enforce_iam=True) as aws:
        _step("cdk bootstrap", aws.bootstrap)
        outputs = _step(
            "cdk deploy", lambda: aws.deploy(app="python3 app.py", output=Path(scratch))
        )
        demo = Demo(aws, outputs["Payments"])
        rounds = [
            _step(
                "50 requests at once for the same payment",
                lambda: demo.round("duplicates", [_payment("same")] * 50, clients=50),
            ),
            _step(
                "50 different payments at once",
                lambda: demo.round(
                    "distinct", [_payment(f"other-{n}") for n in range(50)], clients=50
                ),
            ),
            _step(
                "10 payments one after the other, each sent twice",
                lambda: demo.round(
                    "in turn", [_payment(f"turn-{n // 2}") for n in range(20)], clients=1
                ),
            ),
            _step(
                "a payment whose first attempt dies, and its retries until the lease ends",
                lambda: demo.round("crash", [_payment("crash", die_in_attempt=1)], clients=1),
            ),
        ]
    print(f"\n{table(rounds)}\n")
    if all(row.one_effect_each for row in rounds):
        print("Every payment took effect exactly once, and all its requests got the same answer.")
        return 0
    print("FAILED: a payment took effect more or less than once.")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nStopped.")
        sys.exit(130)
