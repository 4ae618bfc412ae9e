"""Fixtures that every suite may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Node comes with the test requirements; jsii and the CDK CLI must find it before any other.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

from kit.local_aws import LocalAws


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
