"""Cold starts: a fresh interpreter until the store is ready, and until its first call is made."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, TypeAlias

from benchmarks.calls import SMALL_FUNCTION
from benchmarks.measures import Measure, Size, abreast, interleaved
from benchmarks.servers import Environment
from benchmarks.workers import rationed

BUDGET_S: Final = 0.25
REDIS_BUDGET: Final = 0.7

Times: TypeAlias = tuple[float, float]
"""Milliseconds of wall time and of CPU."""

BARE: Final = "bare"
"""The interpreter alone, whose times are subtracted from all others."""

DYNAMODB: Final = {
    BARE: "",
    "ours": """
from lambda_idempotency import DynamoDBStore, idempotent
@idempotent(store=DynamoDBStore("bench"), namespace="bench")
def handler(event, context): return {"charged": 39.98}
""",
    "powertools": """
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer, IdempotencyConfig, idempotent)
@idempotent(persistence_store=DynamoDBPersistenceLayer("bench"), config=IdempotencyConfig())
def handler(event, context): return {"charged": 39.98}
""",
    "boto3": """
import json, boto3
from hashlib import sha256
client = boto3.client("dynamodb")
def handler(event, context):
    key = sha256(json.dumps(event).encode()).hexdigest()
    for status in "INPROGRESS", "COMPLETED":
        client.put_item(TableName="bench", Item={"id": {"S": key}, "status": {"S": status}})
""",
    "floor": """
import json
from hashlib import sha256
from floor import Floor
def handler(event, context):
    key = sha256(json.dumps(event).encode()).hexdigest()
    client = Floor()
    for status in "INPROGRESS", "COMPLETED":
        item = {"id": {"S": key}, "status": {"S": status}}
        client.call("DynamoDB_20120810.PutItem", {"TableName": "bench", "Item": item})
""",
}
"""The code of a function, by subject."""

_OURS_ON_A_CLIENT: Final = """
import redis
from lambda_idempotency import RedisStore, idempotent
@idempotent(store=RedisStore(redis.Redis(**login)), namespace="bench")
def handler(event, context): return {"charged": 39.98}
"""
_OURS_ATTACHED: Final = """
from lambda_idempotency import idempotent
@idempotent
def handler(event, context): return {"charged": 39.98}
"""
_REDIS_PEERS: Final = {
    "powertools": """
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent
from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer
@idempotent(persistence_store=CachePersistenceLayer(**login), config=IdempotencyConfig())
def handler(event, context): return {"charged": 39.98}
""",
    "redis-py": """
import redis
from floor import by_hand
handler = by_hand(redis.Redis(**login), lambda event, context: {"charged": 39.98})
""",
    "floor": """
from floor import RedisFloor, by_hand
handler = by_hand(RedisFloor(**login), lambda event, context: {"charged": 39.98})
""",
}
_LOGIN: Final = """
import json, os
login = json.loads(os.environ["BENCH_REDIS"])
"""
_READ: Final = """
found, secret = json.loads(found["Parameter"]["Value"]), json.loads(secret["SecretString"])
login = {"host": found["host"], "port": found["port"], "ssl": found.get("tls", True), **secret}
"""
_READ_WITH_BOTO3: Final = f"""
import json, os, boto3
found = boto3.client("ssm").get_parameter(Name=os.environ["BENCH_PARAMETER"])
secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["BENCH_SECRET"])
{_READ}"""
_READ_BY_HAND: Final = f"""
import json, os
from floor import Floor
found = Floor("ssm").call("AmazonSSM.GetParameter", {{"Name": os.environ["BENCH_PARAMETER"]}})
secret = Floor("secretsmanager").call(
    "secretsmanager.GetSecretValue", {{"SecretId": os.environ["BENCH_SECRET"]}})
{_READ}"""

REDIS_IN_CODE: Final = {
    BARE: "",
    "ours": _LOGIN + _OURS_ON_A_CLIENT,
    **{name: _LOGIN + code for name, code in _REDIS_PEERS.items()},
}
"""The code by subject, with the server's address and password in the function's environment."""

REDIS_ATTACHED: Final = {
    BARE: "",
    "ours": _OURS_ATTACHED,
    **{
        name: (_READ_BY_HAND if name == "floor" else _READ_WITH_BOTO3) + code
        for name, code in _REDIS_PEERS.items()
    },
}
"""The code by subject, with the address in a parameter and the password in a secret.

Ours looks both up itself; the others have code for it, with boto3, and the floor by hand."""

CALL: Final = """
import os
handler({"id": os.urandom(8).hex()}, type("Context", (), {
    "function_name": "bench", "invoked_function_arn": "arn",
    "get_remaining_time_in_millis": lambda _: 30_000})())
"""
"""The first call, which ends the code."""


@dataclass(frozen=True, kw_only=True)
class ColdStart:
    """A kind of cold start: the code of each subject, with or without its first call, and the
    packages and variables."""

    title: str
    code: Mapping[str, str]
    packages: Path
    variables: dict[str, str]
    calls: bool = True
    rationed: bool = False

    def run(self, subject: str) -> Times:
        """Start one subject. Raises RuntimeError if it fails."""
        code = self.code[subject] + (CALL if self.calls and subject != BARE else "")
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={
                **self.variables,
                "PYTHONPATH": str(self.packages),
                "PYTHONDONTWRITEBYTECODE": "1",
                # Python shows them for the main program only, which a handler is not.
                "PYTHONWARNINGS": "ignore::DeprecationWarning",
            },
            stdout=subprocess.DEVNULL,
        )
        with ExitStack() as stack:
            if self.rationed:
                stack.enter_context(rationed(process.pid))
            _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"the cold start of {subject} failed; see above")
        return wall * 1000, (used.ru_utime + used.ru_stime) * 1000


def first_call(packages: Path, variables: dict[str, str]) -> ColdStart:
    """Return the start until the first call on DynamoDB."""
    return ColdStart(title="first call made", code=DYNAMODB, packages=packages, variables=variables)


def on_dynamodb(environment: Environment, size: Size) -> list[Measure]:
    """Measure the first call, the store alone, packages without .pyc, and TLS."""
    plain = first_call(environment.compiled, environment.plain)
    ready = replace(plain, title="store ready, no call", calls=False)
    measured = partial(_measured, "DynamoDB", size)
    return [
        *measured(plain, budget=BUDGET_S, plotted=True),
        *measured(ready, budget=BUDGET_S)[:1],
        *_elsewhere(measured, plain, environment, budget=BUDGET_S),
    ]


def on_redis(environment: Environment, size: Size) -> list[Measure]:
    """Measure cold starts on Redis, with the settings in a parameter and a secret, and in code."""
    attached = ColdStart(
        title="first call made, settings looked up",
        code=REDIS_ATTACHED,
        packages=environment.compiled,
        variables=environment.plain,
    )
    in_code = replace(attached, title="first call made, settings told", code=REDIS_IN_CODE)
    ready = replace(in_code, title="store ready, no call, settings told", calls=False)
    measured = partial(_measured, "Redis", size)
    return [
        *measured(attached, budget=REDIS_BUDGET, plotted=True),
        *measured(in_code, budget=REDIS_BUDGET, plotted=True),
        *measured(ready, budget=REDIS_BUDGET)[:1],
        *_elsewhere(measured, attached, environment, budget=REDIS_BUDGET),
    ]


def on_128_mb(dynamodb: Environment, redis: Environment, size: Size) -> list[Measure]:
    """Measure the wall time with the CPU of a small function, which leaves room for all at once."""
    kinds = {
        store: ColdStart(
            title=f"cold start until the first call, {store}",
            code=code,
            packages=environment.compiled,
            variables=environment.plain,
            rationed=True,
        )
        for store, code, environment in (
            ("DynamoDB", DYNAMODB, dynamodb),
            ("Redis", REDIS_ATTACHED, redis),
        )
    }
    tasks = {
        (store, subject): partial(kind.run, subject)
        for store, kind in kinds.items()
        for subject in (BARE, "ours", "powertools")
    }
    found = abreast(size.few_rounds, tasks)
    measures = []
    for store, kind in kinds.items():
        own = {subject: starts for (place, subject), starts in found.items() if place == store}
        measures.append(_measure(SMALL_FUNCTION, kind.title, less_bare(own), 0, plotted=True))
    return measures


def _elsewhere(
    measured: Callable[..., list[Measure]],
    plain: ColdStart,
    environment: Environment,
    *,
    budget: float,
) -> list[Measure]:
    """Measure the wall time of a cold start without .pyc files, and over TLS."""
    uncompiled = replace(plain, title=f"{plain.title}, without .pyc", packages=environment.bare)
    measures = measured(uncompiled, budget=budget, plotted=True)[:1]
    if environment.tls is not None:
        tls = replace(plain, title=f"{plain.title}, over TLS", variables=environment.tls)
        measures += measured(tls, plotted=True)[:1]
    return measures


def _measured(
    store: str, size: Size, kind: ColdStart, *, budget: float | None = None, plotted: bool = False
) -> list[Measure]:
    """Measure the wall time and the CPU time."""
    tasks = {subject: partial(kind.run, subject) for subject in kind.code}
    starts = less_bare(interleaved(size.cold_rounds, tasks))
    group = f"Cold start, {store}, less the bare interpreter"
    return [
        _measure(group, kind.title, starts, 0, budget=budget, plotted=plotted),
        _measure(group, f"{kind.title} (CPU)", starts, 1),
    ]


def less_bare(found: Mapping[str, Sequence[Times]]) -> dict[str, list[Times]]:
    """Subtract the medians of the bare interpreter from the times of all other subjects."""
    wall, cpu = (median(times) for times in zip(*found[BARE], strict=True))
    return {
        subject: [(start[0] - wall, start[1] - cpu) for start in starts]
        for subject, starts in found.items()
        if subject != BARE
    }


def _measure(
    group: str,
    name: str,
    starts: Mapping[str, Sequence[Times]],
    clock: int,
    *,
    budget: float | None = None,
    plotted: bool = False,
) -> Measure:
    return Measure(
        group=group,
        name=name,
        unit="ms",
        samples={subject: [times[clock] for times in ones] for subject, ones in starts.items()},
        budget=budget,
        plotted=plotted,
    )
