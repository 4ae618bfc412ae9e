"""Cold starts: a fresh interpreter until the store is ready, and until its first call is made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import quota
from benchmarks.measures import Measure, Size, interleaved
from benchmarks.subjects import environment
from benchmarks.workers import Stub

BUDGET: Final = 0.25

_READY: Final = {
    "bare": "",
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
        client.call("PutItem", {"TableName": "bench", "Item": item})
""",
}
_CALL: Final = """
import os
handler({"id": os.urandom(8).hex()}, type("Context", (), {
    "function_name": "bench", "invoked_function_arn": "arn",
    "get_remaining_time_in_millis": lambda _: 30_000})())
"""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way to start: how far, from which packages, against which server."""

    title: str
    packages: Path
    variables: dict[str, str]
    calls: bool = True
    rationed: bool = False

    def start(self, subject: str) -> tuple[float, float]:
        """Milliseconds of wall time and of CPU of a start."""
        code = _READY[subject] + (_CALL if self.calls and subject != "bare" else "")
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={
                **self.variables,
                "PYTHONPATH": str(self.packages),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        with quota.rationed(process.pid, really=self.rationed):
            _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"the cold start of {subject} failed; see above")
        return wall * 1000, (used.ru_utime + used.ru_stime) * 1000


def cold_starts(
    compiled: Path, bare: Path, stub: Stub, directory: Path, size: Size
) -> list[Measure]:
    """Every setting; wall time, and where the server is off the path CPU time too."""
    plain = Setting(
        title="first call made",
        packages=compiled,
        variables=environment(stub.endpoint),
    )
    ready = replace(plain, title="store ready, no call", calls=False)
    uncompiled = replace(plain, title="first call made, without .pyc", packages=bare)
    measures = [
        *_measured(plain, size.cold_rounds, budget=BUDGET, plotted=True),
        *_measured(ready, size.cold_rounds, budget=BUDGET)[:1],
        *_measured(uncompiled, size.cold_rounds, budget=BUDGET, plotted=True)[:1],
    ]
    certificate = _certificate(directory)
    if certificate is not None:
        with Stub(certificate=certificate) as server:
            variables = environment(server.endpoint)
            variables["AWS_CA_BUNDLE"] = str(_bundle(compiled, certificate, directory))
            tls = replace(plain, title="first call made, over TLS", variables=variables)
            measures += _measured(tls, size.cold_rounds, plotted=True)[:1]
    return measures


def on_128_mb(compiled: Path, stub: Stub, size: Size) -> Measure:
    """The wall time of a cold start under the quota."""
    slow = Setting(
        title="cold start until the first call is made",
        packages=compiled,
        variables=environment(stub.endpoint),
        rationed=True,
    )
    found, _ = _measured(
        slow,
        size.few_rounds,
        plotted=True,
        warm_up=False,
        subjects=("bare", "ours", "powertools"),
    )
    return replace(found, group=quota.GROUP)


def _measured(
    setting: Setting,
    rounds: int,
    *,
    budget: float | None = None,
    plotted: bool = False,
    warm_up: bool = True,
    subjects: Iterable[str] = _READY,
) -> list[Measure]:
    tasks: dict[str, Callable[[], tuple[float, float]]] = {
        subject: partial(setting.start, subject) for subject in subjects
    }
    found = interleaved(rounds, tasks, warm_up=warm_up)
    bare = [median(times) for times in zip(*found.pop("bare"), strict=True)]
    return [
        Measure(
            group="Cold start, less the bare interpreter",
            name=setting.title + suffix,
            unit="ms",
            samples={
                subject: [times[clock] - bare[clock] for times in starts]
                for subject, starts in found.items()
            },
            budget=budget if clock == 0 else None,
            plotted=plotted and clock == 0,
        )
        for clock, suffix in enumerate(("", " (CPU)"))
    ]


def _certificate(directory: Path) -> Path | None:
    """A certificate for 127.0.0.1 with its key; None where there is no openssl command."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    pem = directory / "server.pem"
    options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        [
            *(openssl, *options.split(), "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(pem), "-out", str(directory / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    with pem.open("a") as joined:
        joined.write((directory / "certificate.pem").read_text())
    return pem


def _bundle(packages: Path, certificate: Path, directory: Path) -> Path:
    """As many authorities as a client really loads, and our own."""
    bundle = directory / "bundle.pem"
    own = certificate.with_name("certificate.pem").read_text()
    bundle.write_text((packages / "botocore" / "cacert.pem").read_text() + own)
    return bundle
