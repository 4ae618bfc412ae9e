"""Fixtures for every suite."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# Node comes with the test requirements; jsii and the CDK CLI must find it before any other.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# The CDK would note for each construct where in its own code it was made.
os.environ["CDK_DISABLE_STACK_TRACE"] = "1"

from kit.aws.local import LocalAws
from kit.clocks import ManualClock
from kit.redis.spares import SpareClusters
from lambda_idempotency import MemoryStore
from lambda_idempotency.clients.aws.kms import KMS
from lambda_idempotency.drivers import sync
from lambda_idempotency.execution import registry

hypothesis.settings.register_profile(
    "suite",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
)
hypothesis.settings.register_profile(
    "fuzz",
    hypothesis.settings.get_profile("suite"),
    derandomize=False,
    max_examples=int(os.environ.get("INPUTS") or 10_000),
)
hypothesis.settings.load_profile("suite")


def pytest_configure() -> None:
    """Let interrupts, which tests send, reach the process: a shell's background jobs ignore
    them.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage among the tests: a third of the time would go there."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, where its fixtures are set up once, unless the file names
    a group of several files.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the AWS and IDEMPOTENCY variables of the developer's shell, which would change the
    results.
    """
    for name in os.environ:
        if name.startswith(("AWS_", "IDEMPOTENCY_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_names_from_other_tests() -> None:
    """Forget the names that functions have taken, which belong to the whole process."""
    registry.clear()


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """Yield a local AWS that allows everything to everybody."""
    with LocalAws() as aws:
        yield aws


@pytest.fixture(scope="session")
def boto_kms(local_aws: LocalAws) -> Iterator[Any]:
    """Yield boto3's client of the local KMS."""
    client = local_aws.client("kms")
    yield client
    client.close()


@pytest.fixture(scope="session")
def kms_key(boto_kms: Any) -> str:
    """Return the ARN of a key that no test disables."""
    return str(boto_kms.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def kms(local_aws: LocalAws) -> Iterator[KMS]:
    """Yield our client of the local KMS."""
    client = KMS(environment=local_aws.environment())
    yield client
    client.close()


@pytest.fixture(scope="session")
def clusters() -> Iterator[SpareClusters]:
    """Yield Redis clusters for tests to take."""
    with SpareClusters() as clusters:
        yield clusters


@pytest.fixture
def clock() -> ManualClock:
    """Return time that the test moves by hand."""
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    """Return a store that reads that clock."""
    return MemoryStore(clock)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> list[float]:
    """Return the pauses, in seconds, which move the clock instead of taking time."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.advance(seconds)

    monkeypatch.setattr(sync, "drive", partial(sync.drive, sleep=sleep))
    return pauses
