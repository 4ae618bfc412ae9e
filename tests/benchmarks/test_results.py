"""README and docs say what `benchmarks/results.json` says, and nothing better."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from benchmarks import pages
from benchmarks.chart import svg
from benchmarks.measures import Row, Run
from benchmarks.report import markdown
from kit.aws.local import ROOT

FOUND: Final[Any] = json.loads((ROOT / "benchmarks" / "results.json").read_text())
RUN: Final = Run.from_json(FOUND)


def row(ours: float, *, key: str = "one", target: float | None = None, **changes: Any) -> Row:
    """Return a row with a peer of 10."""
    about: dict[str, Any] = {"group": "Calls", "name": key, "unit": "µs", "what": "A call."}
    samples = {"ours": [ours, ours, ours], "powertools": [10.0, 10.0, 10.0]}
    return Row(key=key, target=target, **{**about, "samples": samples, **changes})


def a_run(*rows: Row) -> Run:
    """Return a run on the machine of the results."""
    return Run(machine=RUN.machine, rows=rows, missing=[])


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_a_page_has_the_figures_of_the_results(page: Any) -> None:
    assert pages.with_figures(page.read_text(), RUN) == page.read_text()


def test_the_figures_are_in_the_pages() -> None:
    text = "".join(page.read_text() for page in pages.PAGES)
    assert all(f"<!-- figure: {name} -->" in text for name in ("table", "machine", "metrics"))


def test_another_figure_is_found() -> None:
    text = "<!-- figure: metrics -->3 µs<!-- end -->"
    silent = row(14, key="metrics first", peer="silent", samples={"ours": [14], "silent": [10]})
    assert pages.with_figures(text, a_run(silent)) == "<!-- figure: metrics -->4 µs<!-- end -->"


def test_the_page_and_the_chart_are_those_of_the_results() -> None:
    directory = ROOT / "benchmarks"
    assert (directory / "results.md").read_text() == markdown(RUN)
    assert (directory / "results.svg").read_text() == svg(RUN.rows)


def test_the_readme_has_few_rows_and_the_worst_is_one() -> None:
    rows = pages.chosen(RUN)
    assert len(rows) <= pages.MOST_ROWS
    assert max(pages.timed(RUN), key=lambda row: row.ratio) in rows


def test_the_worst_row_comes_into_the_readme() -> None:
    good, bad = row(1, key="dynamodb 1 KB first"), row(15, key="any other")
    assert pages.chosen(a_run(good, bad)) == [good, bad]
    assert pages.chosen(a_run(good)) == [good]


def test_the_results_survive_their_json() -> None:
    assert Run.from_json(json.loads(json.dumps(RUN.to_json()))) == RUN
    assert RUN.to_json() == FOUND


def test_each_row_has_a_key_of_its_own_and_says_what_is_measured() -> None:
    keys = [row.key for row in RUN.rows]
    assert len(set(keys)) == len(keys)
    assert all(row.what.endswith(".") for row in RUN.rows)


@pytest.mark.parametrize(
    ("ours", "target", "met"), [(5, 0.5, True), (5.01, 0.5, False), (1, None, None)]
)
def test_a_target_is_met_or_missed(*, ours: float, target: float | None, met: bool | None) -> None:
    assert row(ours, target=target).met is met


def test_a_ratio_is_that_of_rounds_side_by_side() -> None:
    samples = {"ours": [1.0, 10.0, 3.0], "powertools": [10.0, 100.0, 10.0]}
    assert row(1, samples=samples).ratio == 0.1
    assert row(1, samples=samples).spread == pytest.approx((0.1, 0.2))


def test_a_miss_is_told_with_its_floor() -> None:
    samples = {"ours": [5.0], "powertools": [10.0], "floor": [4.0]}
    missed = markdown(a_run(row(5, target=0.4, samples=samples)))
    assert "0 of 1 targets" in missed
    assert "The floor is 0.400 of the peer and 0.80 of ours." in missed
    assert "Every target is met." in markdown(a_run(row(5, target=0.6)))
