"""The locks pin, with hashes, everything that requirements.txt and pyproject.toml ask for."""

from __future__ import annotations

import re
import tomllib
from typing import Final

import pytest
from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import Requirement

from kit.aws.local import ROOT

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: Final = PROJECT["project"]["optional-dependencies"]
APP: Final = re.findall(r"^\w.*", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
LOCK: Final = (ROOT / "requirements.lock").read_text()
PIN: Final = re.compile(
    r"^([\w.-]+)==([^ ;]+).*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.MULTILINE
)


def _of_the_group(name: str) -> tuple[str, ...]:
    return resolve_dependency_groups(PROJECT["dependency-groups"], name)


def missing(wanted: list[str], lock: str) -> set[str]:
    """Return the requirements that a lock does not pin as requested."""
    pins = PIN.findall(lock)
    return {
        each.name
        for each in map(Requirement, wanted)
        if not any(name == each.name and each.specifier.contains(pin) for name, pin in pins)
    }


def test_the_lock_has_what_is_asked_for() -> None:
    project = [*PROJECT["project"]["dependencies"], *EXTRAS["cdk"], *EXTRAS["redis"]]
    assert missing([*APP, *_of_the_group("dev"), *project], LOCK) == set()


def test_the_lock_of_the_build_has_what_builds() -> None:
    lock = (ROOT / "requirements-build.lock").read_text()
    wanted = [*_of_the_group("build"), *PROJECT["build-system"]["requires"]]
    assert missing(wanted, lock) == set()


def test_the_lock_of_the_benchmark_has_its_peers() -> None:
    lock = (ROOT / "benchmarks" / "peers.lock").read_text()
    assert missing([*_of_the_group("peers")], lock) == set()


def test_the_lock_of_the_matrix_has_its_servers() -> None:
    lock = (ROOT / "tests" / "kit" / "redis" / "servers.lock").read_text()
    assert missing([*_of_the_group("servers")], lock) == set()


def test_the_lock_of_durable_executions_has_their_sdk() -> None:
    lock = (ROOT / "tests" / "durable" / "sdk.lock").read_text()
    assert missing([*_of_the_group("durable")], lock) == set()


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "requirements-build.lock",
        "tests/durable/sdk.lock",
        "benchmarks/peers.lock",
        "tests/kit/redis/servers.lock",
    ],
)
def test_a_lock_holds_nothing_without_a_hash(lock: str) -> None:
    text = PIN.sub("", (ROOT / lock).read_text())
    assert [line for line in text.splitlines() if not line.startswith("#")] == []


@pytest.mark.parametrize(
    "entry", ["hypothesis==6.0.0", "hypothesis==6.170.15", "-e .", "hypothesis @ file:///a"]
)
def test_another_lock_is_found(entry: str) -> None:
    altered = re.sub(r"^hypothesis==.*\n( +--hash=.*\n)+", f"{entry}\n", LOCK, flags=re.MULTILINE)
    assert missing(["hypothesis==6.170.15"], altered) == {"hypothesis"}
