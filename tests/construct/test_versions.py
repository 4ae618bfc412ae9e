"""The versions that pyproject.toml promises are those that `make versions` installs."""

from __future__ import annotations

from importlib.metadata import version

from kit.cdk_versions import lowest, promised


def test_the_oldest_versions_are_those_of_the_promise() -> None:
    assert [lowest(each) for each in promised()] == [
        "aws-cdk-lib==2.271.0",
        "constructs==10.5.0",
    ]


def test_the_versions_that_all_tests_run_with_are_no_older() -> None:
    for requirement in promised():
        name, _, oldest = lowest(requirement).partition("==")
        numbers = [[int(part) for part in each.split(".")] for each in (version(name), oldest)]
        assert numbers[0] >= numbers[1], name
