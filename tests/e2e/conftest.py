"""One deployment for all end-to-end tests that need none of their own, with IAM enforced."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from e2e.shops import SERVICES, namespaces
from kit.aws.deployed import Deployed
from kit.aws.local import ROOT, LocalAws, Outputs
from kit.redis.app import RedisForApp


@pytest.fixture(scope="session")
def guarded_aws() -> Iterator[LocalAws]:
    """Yield a bootstrapped local AWS that enforces IAM."""
    with LocalAws(enforce_iam=True) as aws:
        aws.bootstrap()
        yield aws


@pytest.fixture(scope="session")
def redis_of_worker(
    guarded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisForApp]:
    """Yield the server that examples/worker finds, and that the services share."""
    directory = tmp_path_factory.mktemp("worker-redis")
    with RedisForApp(guarded_aws, "orders/Worker/Worker", directory=directory) as redis_:
        for number, namespace in enumerate(namespaces("RedisShop")):
            redis_.add(f"shop-{number}", namespace)
        yield redis_


@pytest.fixture(scope="session")
def outputs(
    guarded_aws: LocalAws, redis_of_worker: RedisForApp, tmp_path_factory: pytest.TempPathFactory
) -> Outputs:
    """tests/e2e/app.py, deployed by the CDK CLI."""
    return guarded_aws.deploy(
        app=f"{sys.executable} {ROOT / 'tests/e2e/app.py'}",
        output=tmp_path_factory.mktemp("e2e"),
        context=redis_of_worker.context,
    )


@pytest.fixture(scope="session")
def deployed(guarded_aws: LocalAws, outputs: Outputs) -> Deployed:
    """Its functions, one for each behavior."""
    names = {"E2E", "Web", "Private", *SERVICES.values()}
    stacks = [outputs[name] for name in names]
    return Deployed(guarded_aws, {name: value for stack in stacks for name, value in stack.items()})
