"""`make demo`: the example on a local AWS, which gets duplicates over its HTTP API.

It counts the effects. The exit code is 0 only if every payment had exactly one.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from kit.aws.local import LocalAws
from kit.aws.web import http_api
from kit.http_events import Seen
from kit.redis.app import PAYMENTS, STAND_INS, DeployedRotation, RedisForApp

PATIENCE = 90  # seconds
TOLD = ("Idempotency-Replayed", "Retry-After", "Location")
"""The headers to show."""


@dataclass(frozen=True)
class Answer:
    """The answer to one client: the receipt, whether its own request ran, and how."""

    payment_id: str
    receipt: str
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
        """The number of effects that there should be."""
        return len({answer.payment_id for answer in self.answers})

    @property
    def one_effect_each(self) -> bool:
        """True if every payment took effect once, and all its clients got the same answer."""
        charges = {(answer.payment_id, answer.receipt) for answer in self.answers}
        return self.effects == self.payments == len(charges)


class Demo:
    """The deployed example and its clients."""

    def __init__(self, aws: LocalAws, outputs: dict[str, str]) -> None:
        self._api = http_api(aws.port, outputs["ApiId"])
        self._dynamodb = aws.client("dynamodb")
        self._ledger = outputs["LedgerName"]

    def round(self, name: str, payments: Iterable[dict[str, Any]], *, clients: int) -> Round:
        """Send the payments, by so many clients at once, and count their ledger entries."""
        with ThreadPoolExecutor(max_workers=clients) as pool:
            answers = list(pool.map(self._pay, payments))
        ids = {answer.payment_id for answer in answers}
        return Round(name, answers, sum(row["payment_id"]["S"] in ids for row in self._rows()))

    def rotating(self, rotation: DeployedRotation) -> Round:
        """Run a round during two rotations of the store's password."""

        def rotate_twice() -> None:
            rotation.rotate()
            rotation.rotate()

        with ThreadPoolExecutor(max_workers=1) as pool:
            rotated = pool.submit(rotate_twice)
            payments = [_payment(f"rotation-{n // 2}") for n in range(200)]
            done = self.round("rotation", payments, clients=4)
            rotated.result()
        return done

    def send(self, path: str, body: dict[str, Any], key: str | None) -> Seen:
        """Send one request."""
        return self._api.send("POST", path, body, {} if key is None else {"Idempotency-Key": key})

    def show(self) -> list[str]:
        """Return what a client sees, request by request, as lines to print."""
        payment, key = _payment("shown"), "shown"
        lines = [
            _line("POST /payments", self.send("/payments", payment, key)),
            _line("  the same again", self.send("/payments", payment, key)),
            _line("  another amount", self.send("/payments", {**payment, "amount": 999}, key)),
            _line("  without a key", self.send("/payments", payment, None)),
        ]
        refund, ran, duplicate = self._refund_twice()
        place = duplicate.headers["location"]
        return [
            *lines,
            _line("POST /refunds", ran),
            _line("  at the same time", duplicate),
            _line("  polled to the end", self._polled(place)),
            _line("  the same again", self.send("/refunds", refund, refund["payment_id"])),
        ]

    def _refund_twice(self) -> tuple[dict[str, Any], Seen, Seen]:
        """Return a refund that was sent twice at once, and the answers: first that of the run."""
        for number in range(10):  # a cold start may last longer than the refund
            refund = _payment(f"refund-{number}")
            with ThreadPoolExecutor(max_workers=2) as pool:
                key = refund["payment_id"]
                sent = [pool.submit(self.send, "/refunds", refund, key) for _ in range(2)]
            answers = [future.result() for future in sent]
            duplicate, ran = sorted(answers, key=lambda answer: answer.status, reverse=True)
            if duplicate.status == 202:
                return refund, ran, duplicate
        raise RuntimeError("no duplicate met a running refund")

    def _polled(self, place: str) -> Seen:
        """Ask for the status until it is no longer `in progress`."""
        give_up = time.monotonic() + PATIENCE
        while (answer := self._api.send("GET", place)).status == 202:
            if time.monotonic() > give_up:
                raise RuntimeError(f"the refund is still in progress after {PATIENCE} s")
            time.sleep(0.3)
        return answer

    def _pay(self, payment: dict[str, Any]) -> Answer:
        """Send until there is an answer, as an HTTP client does: again on 409 and 5xx."""
        met: Counter[str] = Counter()
        give_up = time.monotonic() + PATIENCE
        pause = 0.1
        while True:
            started = time.perf_counter()
            answer = self.send("/payments", payment, payment["payment_id"])
            milliseconds = (time.perf_counter() - started) * 1000
            if answer.status == 201:
                return Answer(
                    payment_id=payment["payment_id"],
                    receipt=answer.json["receipt"],
                    ran="idempotency-replayed" not in answer.headers,
                    milliseconds=milliseconds,
                    conflicts=met["conflict"],
                    crashes=met["crash"],
                )
            if answer.status != 409 and answer.status < 500:
                raise RuntimeError(f"{answer.status}: {answer.body}")
            met["conflict" if answer.status == 409 else "crash"] += 1
            if time.monotonic() > give_up:
                raise RuntimeError(f"no answer within {PATIENCE} s; the last: {answer.status}")
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - a pause, not a secret
            pause = min(pause * 2, 2)

    def each_once(self) -> bool:
        """Tell whether no payment or refund has two entries in the ledger."""
        ids = [row["payment_id"]["S"] for row in self._rows()]
        return len(ids) == len(set(ids))

    def _rows(self) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._ledger, ConsistentRead=True
        )
        return [row for page in pages for row in page["Items"]]


def _line(request: str, answer: Seen) -> str:
    """Return a request and its answer, in a line."""
    told = {name: answer.headers.get(name.lower()) for name in TOLD}
    headers = [f"{name}: {_short(value)}" for name, value in told.items() if value is not None]
    body = _short(answer.json.get("title", answer.body))
    return f"{request:<20}  {answer.status}  {'  '.join([*headers, body])}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def table(rounds: list[Round]) -> str:
    """Return the result as text."""
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


def main(store: str) -> int:
    """Run the demo with its records in `dynamodb` or `redis`; return the exit code."""
    print("One payment, many requests: how often is the customer charged?\n")
    signals: list[int] = []

    def end(number: int, _: object) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    def step(text: str, action: Callable[[], Any]) -> Any:
        if signals:  # Python drops what is raised in the callbacks of an import
            raise KeyboardInterrupt
        return _step(text, action)

    # A polite kill ends the demo as Ctrl-C does: everything it started is stopped.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aws = stack.enter_context(LocalAws(enforce_iam=True))
        step("cdk bootstrap", aws.bootstrap)
        redis: RedisForApp | None = None
        options: dict[str, Any] = {}
        if store == "redis":
            redis = stack.enter_context(RedisForApp(aws, *PAYMENTS, directory=scratch))
            options = {"context": redis.context, "stand_ins": STAND_INS}
        outputs = step(
            "cdk deploy", lambda: aws.deploy(app="python3 app.py", output=scratch, **options)
        )
        demo = Demo(aws, outputs["Payments"])
        # Its lease lasts longer than most of the other rounds, so it begins first.
        aside = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        payment = _payment("crash", die_in_attempt=1)
        crash = aside.submit(demo.round, "crash", [payment], clients=1)
        rounds = [
            step(
                "50 requests at once for the same payment",
                lambda: demo.round("duplicates", [_payment("same")] * 50, clients=50),
            ),
            step(
                "50 different payments at once",
                lambda: demo.round(
                    "distinct", [_payment(f"other-{n}") for n in range(50)], clients=50
                ),
            ),
            step(
                "10 payments one after the other, each sent twice",
                lambda: demo.round(
                    "in turn", [_payment(f"turn-{n // 2}") for n in range(20)], clients=1
                ),
            ),
            step(
                "a payment whose first attempt dies, and its retries until the lease ends",
                crash.result,
            ),
        ]
        if redis is not None:
            rotation = stack.enter_context(closing(DeployedRotation(aws, redis)))
            rounds.append(
                step(
                    "100 payments, each sent twice, while the password is rotated twice",
                    lambda: demo.rotating(rotation),
                )
            )
        shown = step("a client's view of the answers", demo.show)
        each_once = demo.each_once()
    print(f"\n{table(rounds)}\n\n{chr(10).join(shown)}\n")
    if all(row.one_effect_each for row in rounds) and each_once:
        print("Every payment took effect exactly once, and all its requests got the same answer.")
        return 0
    print("FAILED: a payment took effect more or less than once.")
    return 1


if __name__ == "__main__":
    [chosen] = sys.argv[1:] or ["dynamodb"]
    if chosen not in ("dynamodb", "redis"):
        sys.exit(f"STORE is {chosen!r}; expected dynamodb or redis")
    try:
        sys.exit(main(chosen))
    except KeyboardInterrupt:
        print("\nStopped.")
        sys.exit(130)
