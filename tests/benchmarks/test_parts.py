"""The smallest piece of the benchmark runs; the whole is `make bench ROUNDS=2`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import calls, cold_start, counts
from benchmarks.bench import Bench
from benchmarks.measures import Row, smoke
from benchmarks.packages import with_installed
from benchmarks.run import measure
from benchmarks.servers import running

pytestmark = pytest.mark.xdist_group("benchmark")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Return the servers, and what is installed here of the peers."""
    directory = tmp_path_factory.mktemp("bench")
    packages = {"3": with_installed(directory / "3")}
    size = replace(smoke(1), calls=dict.fromkeys(smoke(1).calls, 2))
    with ExitStack() as stack:
        servers = running(stack, directory)
        yield Bench(servers=servers, packages=packages, size=size, directory=directory)


def test_calls_are_measured_beside_the_peer(bench: Bench) -> None:
    rows = calls.async_handler(bench)
    assert [row.key for row in rows] == ["async first", "async replay"]
    assert all(row.ratio > 0 and row.target is not None for row in rows)


def test_another_checkout_takes_the_place_of_the_peer(bench: Bench, tmp_path: Path) -> None:
    others = {"3": with_installed(tmp_path / "other")}
    rows = calls.async_handler(replace(bench, others=others))
    assert [set(row.samples) for row in rows] == [{"ours", "other"}] * 2
    assert [row.target for row in rows] == [None, None]


def test_a_step_is_one_request(bench: Bench) -> None:
    [row] = counts.of_steps(bench)
    assert row.samples == {"ours": [1], "powertools": [2], "floor": [1]}


def test_a_cold_start_over_tls_loads_amazons_roots_alone(bench: Bench) -> None:
    assert cold_start.roots_of_ours(bench) == 5


def test_a_part_that_fails_is_told_and_the_others_go_on(bench: Bench) -> None:
    def fails(_: Bench) -> list[Row]:
        raise OSError("no such thing")

    row: Any = Row(
        key="k", group="g", name="n", unit="µs", what="w", samples={"ours": [1]}, peer=None
    )
    bench = replace(bench, failed=[])
    assert measure(bench, {"first": fails, "second": lambda _: [row]}) == [row]
    assert bench.failed == ["first failed: OSError"]
