"""Fixtures that every suite may use."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

# Node comes with the test requirements; jsii and the CDK CLI must find it before any other.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

from kit.aws.local import LocalAws
from kit.clocks import ManualClock
from kit.redis.spares import SpareClusters
from lambda_idempotency import MemoryStore
from lambda_idempotency.drivers import sync as drivers
from lambda_idempotency.execution import operation

hypothesis.settings.register_profile(
    "suite", derandomize=True, database=None, deadline=None, print_blob=True
)
hypothesis.settings.load_profile("suite")


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """A file's tests stay on one worker, and so do all that use the one large deployment."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        apart = "demo" in file or "redis" in file
        return "deployed" if "/e2e/" in file and not apart else file


def pytest_configure() -> None:
    """A shell's background jobs ignore interrupts, which tests send."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Expensive fixtures are set up once."""
    return _ByFile(config, log)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the developer's shell must not change what a test sees."""
    for name in os.environ:
        if name.startswith(("AWS_", "IDEMPOTENCY_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """A local AWS that lets everybody do everything."""
    with LocalAws() as aws:
        yield aws


@pytest.fixture(scope="session")
def clusters() -> Iterator[SpareClusters]:
    """Redis clusters for tests to take."""
    with SpareClusters() as clusters:
        yield clusters


@pytest.fixture
def clock() -> ManualClock:
    """Time that the test moves by hand."""
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    """A store that reads that clock."""
    return MemoryStore(clock)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> list[float]:
    """Pauses move the clock instead of taking time; the list tells how long they were."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.advance(seconds)

    monkeypatch.setattr(operation, "drive", partial(drivers.drive, sleep=sleep))
    return pauses
