"""Every link of a page leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.aws.local import ROOT
from kit.pages import EXAMPLES, PAGES


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}


def _broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text())
    broken = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize(
    "page",
    [*PAGES, *(example / "README.md" for example in EXAMPLES)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert _broken(page) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_example_has_links(example: Path) -> None:
    assert re.findall(r"\]\(([^)#]+)", (example / "README.md").read_text())


@pytest.mark.parametrize(
    ("link", "broken"),
    [("other.md", 0), ("other.md#a-title", 0), ("#here", 0), ("other.md#no", 1), ("none.md", 1)],
)
def test_a_broken_link_is_found(tmp_path: Path, link: str, broken: int) -> None:
    (tmp_path / "other.md").write_text("# A title\n")
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n\n[text]({link})\n")
    assert len(_broken(page)) == broken
