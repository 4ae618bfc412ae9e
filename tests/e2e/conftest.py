"""One deployment, with IAM enforced, for all end-to-end tests on a worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from kit.aws.deployed import Deployed
from kit.aws.local import ROOT, LocalAws


@pytest.fixture(scope="session")
def guarded_aws() -> Iterator[LocalAws]:
    """Yield a bootstrapped local AWS that enforces IAM."""
    with LocalAws(enforce_iam=True) as aws:
        aws.bootstrap()
        yield aws


@pytest.fixture(scope="session")
def deployed(guarded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Return tests/e2e/app.py, deployed by the CDK CLI."""
    outputs = guarded_aws.deploy(
        app=f"{sys.executable} {ROOT / 'tests/e2e/app.py'}", output=tmp_path_factory.mktemp("e2e")
    )
    return Deployed(
        guarded_aws, {**outputs["E2E"], **outputs["Away"], **outputs["Web"], **outputs["Large"]}
    )
