"""The READMEs of the examples lead somewhere, and speak of what is deployed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.local_aws import ROOT

EXAMPLES = sorted(page.parent for page in (ROOT / "examples").glob("*/stack.py"))
by_name = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


def _page(example: Path) -> str:
    return (example / "README.md").read_text()


@by_name
def test_its_links_lead_somewhere(example: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", _page(example))
    assert links
    assert [link for link in links if not (example / link).exists()] == []


@by_name
def test_the_outputs_that_it_names_are_the_stack_s(example: Path) -> None:
    outputs = set(re.findall(r'CfnOutput\(self, "(\w+)"', (example / "stack.py").read_text()))
    named = set(re.findall(r"`(\w+(?:Url|Name))`", _page(example)))
    assert named
    assert named <= outputs
