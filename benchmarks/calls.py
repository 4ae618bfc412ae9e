"""Warm calls: the CPU of first calls and of replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from benchmarks.bench import Bench, Workers, by_clock
from benchmarks.measures import CALLS, TITLES, Row

DYNAMODB: Final = {name: name for name in ("ours", "powertools", "boto3", "floor")}
REDIS: Final = {name: name for name in ("ours", "powertools", "idemkit", "redis-py", "floor")}
BATCHES: Final = {name: name for name in ("ours", "powertools", "redis-py", "floor")}
"""Those on Redis that take batches, too, and refuse a duplicate at once."""
BROUGHT: Final = {
    "ours": "ours, brought",
    "powertools": "powertools, brought",
    "redis-py": "redis-py",
    "floor": "floor",
}
HTTP: Final = {name: name for name in ("ours", "powertools", "by meaning", "floor")}
ASYNC: Final = {"ours": "async", "powertools": "powertools", "floor": "floor"}
STEPS: Final = {name: name for name in ("ours", "powertools", "durable", "floor")}

SIZES: Final = {1_000: "1 KB", 10_000: "10 KB", 30_000: "30 KB", 100_000: "100 KB"}
CLOCKS: Final = {"cpu": "CPU", "wall": "wall"}

Targets: TypeAlias = Mapping[str, float]
"""The targets of the kinds of calls."""


@dataclass(frozen=True, kw_only=True)
class Against:
    """A peer, and what the rows against it say."""

    key: str
    title: str
    what: str
    peer: str = "powertools"
    targets: Targets = field(default_factory=dict)


def on_dynamodb(bench: Bench) -> list[Row]:
    """Measure events from 1 KB to 100 KB."""
    rows = []
    with bench.workers("dynamodb", DYNAMODB) as workers:
        for size, about in SIZES.items():
            against = Against(
                key=f"dynamodb {about}",
                title=about,
                what="An event, as a whole the key, and an answer of 40 bytes.",
                targets={"first": 0.135, "replay": 0.155} if size == 1_000 else {},
            )
            rows += _rows(bench, workers, against, group="Calls on DynamoDB", size=size)
    return rows


def http(bench: Bench) -> list[Row]:
    """Measure HTTP requests, against a peer that hashes the body's text, and its meaning."""
    targets: Mapping[tuple[int, str], Targets] = {
        (1_000, "text"): {"first": 0.17, "replay": 0.20},
        (100_000, "text"): {"first": 1.10, "replay": 0.60},
        (100_000, "meaning"): {"first": 0.50, "replay": 0.30},
    }
    what = (
        "A request of API Gateway on DynamoDB; its key is a header, and its body must be the same "
        "when the key comes again. To ours that is the body's meaning, always; to the peer {} "
        "(`payload_validation_jmespath`); to the floor the text."
    )
    rows = []
    with bench.workers("dynamodb", HTTP, "http") as workers:
        for size in (1_000, 10_000, 100_000):
            against = [
                Against(
                    key=f"http {SIZES[size]} {hashed}",
                    title=f"{SIZES[size]}, peer hashing the body's {hashed}",
                    what=what.format(f"`{setting}`"),
                    peer=peer,
                    targets=targets.get((size, hashed), {}),
                )
                for peer, hashed, setting in (
                    ("powertools", "text", "body"),
                    ("by meaning", "meaning", "powertools_json(body)"),
                )
            ]
            rows += _rows(bench, workers, *against, group="HTTP requests", size=size)
    return rows


def on_redis(bench: Bench) -> list[Row]:
    """Measure events, with the client of an attached function and with one of the user's."""
    rows = []
    group = "Calls on Redis"
    what = (
        "Ours attached: the settings looked up, its own client, a user with the documented rights. "
        "{} on its redis-py, a user with every right. The event is the key."
    )
    with bench.workers("redis", REDIS) as workers:
        for size in (1_000, 10_000, 100_000):
            against = [
                Against(
                    key=f"redis {SIZES[size]} {peer}",
                    title=f"{SIZES[size]}, to {TITLES[peer]}",
                    what=what.format(TITLES[peer]),
                    peer=peer,
                    targets=targets if size == 1_000 else {},
                )
                for peer, targets in (
                    ("powertools", {"first": 0.62, "replay": 0.36}),
                    ("idemkit", {"first": 0.30, "replay": 0.42}),
                )
            ]
            rows += _rows(bench, workers, *against, group=group, size=size)
    brought = Against(
        key="redis brought",
        title="1 KB, a client of the user's",
        what="Ours is a `RedisStore(redis.Redis(...))` with the short timeouts of docs/redis.md; "
        "the peer has such a client, too.",
        targets={"first": 0.85, "replay": 0.50},
    )
    with bench.workers("redis", BROUGHT) as workers:
        rows += _rows(bench, workers, brought, group=group, size=1_000)
    return rows


def batches(bench: Bench) -> list[Row]:
    """Measure batches of 1, 10 and 100 messages, by CPU and wall time."""
    rows = []
    for store, columns in (("DynamoDB", DYNAMODB), ("Redis", BATCHES)):
        with bench.workers(store.lower(), columns, "batch") as workers:
            for records in (1, 10, 100):
                aimed = (store, records) == ("DynamoDB", 10)
                against = Against(
                    key=f"batch {store} {records}",
                    title=f"{records} messages" if records > 1 else "1 message",
                    what="Messages of SQS of 1 KB, each with its id as the key. The peer joins "
                    "`BatchProcessor` and `idempotent_function`; the floor makes a call for each.",
                    targets={"first": 0.15, "first wall": 0.20} if aimed else {},
                )
                rows += _rows(
                    bench,
                    workers,
                    against,
                    group=f"Batches on {store}",
                    size=1_000,
                    calls=max(bench.size.calls[1_000] // 5 // records, 2),
                    records=records,
                    clocks=tuple(CLOCKS),
                )
    return rows


def async_handler(bench: Bench) -> list[Row]:
    """Measure an async handler."""
    against = Against(
        key="async",
        title="1 KB",
        what="`async def` under ours; the peer has none, its handler is a plain one.",
        targets={"first": 0.25, "replay": 0.30},
    )
    with bench.workers("dynamodb", ASYNC) as workers:
        return _rows(bench, workers, against, group="An async handler on DynamoDB", size=1_000)


def steps(bench: Bench) -> list[Row]:
    """Measure a handler of three steps."""
    what = "An order of 1 KB. Ours: a handler that calls `current().step` three times. "
    powertools = Against(
        key="steps powertools",
        title="to Powertools",
        what=f"{what}The peer: a plain handler that calls an `idempotent_function` three times.",
        targets={"first": 0.35},
    )
    durable = Against(
        key="steps durable",
        title="to the durable SDK",
        what=f"{what}The durable SDK's in-memory runner: it sends nothing.",
        peer="durable",
    )
    with bench.workers("dynamodb", STEPS, "steps") as workers:
        return _rows(
            bench,
            workers,
            powertools,
            durable,
            group="A handler of three steps on DynamoDB",
            size=1_000,
            calls=max(bench.size.calls[1_000] // 5, 2),
            kinds=("first",),
        )


def large_answers(bench: Bench) -> list[Row]:
    """Measure events of 1 KB with large answers, which ours alone compresses."""
    rows = []
    with bench.workers("dynamodb", DYNAMODB) as workers:
        for answer in (10_000, 100_000):
            against = Against(
                key=f"answer {SIZES[answer]}",
                title=SIZES[answer],
                what="An event of 1 KB, and an answer of this much JSON: ours compresses it.",
            )
            rows += _rows(
                bench,
                workers,
                against,
                group="Large answers on DynamoDB",
                size=1_000,
                calls=bench.size.calls[answer],
                answer=answer,
            )
    return rows


def metrics_line(bench: Bench) -> list[Row]:
    """Measure what the line of metrics adds."""
    against = Against(
        key="metrics",
        title="1 KB on DynamoDB",
        what="Ours with the line of metrics, which is in all other rows, and without.",
        peer="silent",
    )
    columns = {"ours": "ours"}
    with (
        bench.workers("dynamodb", columns) as on,
        bench.workers("dynamodb", columns, variables={"IDEMPOTENCY_METRICS": "false"}) as off,
    ):
        workers = {"ours": on["ours"], "silent": off["ours"]}
        return _rows(bench, workers, against, group="The line of metrics", size=1_000)


def _rows(
    bench: Bench,
    workers: Workers,
    *against: Against,
    group: str,
    size: int,
    kinds: Sequence[str] = tuple(CALLS),
    clocks: Sequence[str] = ("cpu",),
    **options: Any,
) -> list[Row]:
    """Measure kinds of calls, by one clock or both; return a row for each peer."""
    rows = []
    for kind in kinds:
        found = bench.sampled(workers, kind, size=size, **options)
        for clock in clocks:
            of = kind if clock == "cpu" else f"{kind} {clock}"
            by = f", {CLOCKS[clock]}" if len(clocks) > 1 else ""
            rows += [
                bench.row(
                    by_clock(found, clock),
                    key=f"{each.key} {of}",
                    group=group,
                    name=f"{CALLS[kind]}, {each.title}{by}",
                    unit="µs",
                    what=each.what,
                    peer=each.peer,
                    target=each.targets.get(of),
                )
                for each in against
            ]
    return rows
