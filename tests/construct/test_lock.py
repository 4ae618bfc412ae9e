"""requirements.lock names, with hashes, all that the requirements and the project ask for."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import version
from typing import Final, NamedTuple

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kit.aws.local import ROOT

PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
MACHINES: Final = (
    ("linux", "x86_64"),
    ("linux", "aarch64"),
    ("darwin", "x86_64"),
    ("darwin", "arm64"),
)
LOCK: Final = (ROOT / "requirements.lock").read_text()
DIRECT: Final = [
    Requirement(line.partition(" #")[0])
    for name in ("requirements.txt", "requirements-dev.txt")
    for line in (ROOT / name).read_text().splitlines()
    if re.match(r"\w", line)
]
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())


class Entry(NamedTuple):
    """One line of the lock, with those that it continues on."""

    requirement: Requirement
    hashes: tuple[str, ...]


def entries(lock: str) -> list[Entry]:
    """The lock's entries. Raises ValueError where it holds anything else: a URL, a path, an
    option."""
    found = []
    for line in lock.replace("\\\n", "").splitlines():
        if line.startswith("#"):
            continue
        requirement, *hashes = re.split(r"\s+--hash=", line)
        entry = Entry(Requirement(requirement), tuple(hashes))
        if entry.requirement.url or not all(map(_HASH.fullmatch, hashes)):
            raise ValueError(line)
        found.append(entry)
    return found


def disagreements(wanted: Iterable[Requirement], lock: str, place: dict[str, str]) -> set[str]:
    """The names that, in a place, are asked for otherwise than once and in one pinned version."""
    locked: dict[str, list[str]] = {}
    for requirement, hashes in entries(lock):
        if requirement.marker is None or requirement.marker.evaluate(place):
            [pin] = requirement.specifier
            usable = pin.operator == "==" and hashes
            locked.setdefault(canonicalize_name(requirement.name), []).append(
                pin.version if usable else ""
            )
    twice = {name for name, versions in locked.items() if len(versions) != 1 or not versions[0]}
    return twice | {
        asked.name
        for asked in wanted
        if asked.marker is None or asked.marker.evaluate(place)
        if not any(map(asked.specifier.contains, locked.get(canonicalize_name(asked.name), [])))
    }


def places() -> list[dict[str, str]]:
    """Return what environment markers see, wherever the lock must hold."""
    return [
        {
            **{name: str(value) for name, value in default_environment().items()},
            "python_version": python,
            "python_full_version": f"{python}.7",
            "sys_platform": system,
            "platform_machine": machine,
        }
        for python, (system, machine) in itertools.product(PYTHONS, MACHINES)
    ]


def by_the_project() -> list[Requirement]:
    """Return what pyproject.toml asks for: to build it, to run it, and its extras."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    names = [
        *PROJECT["build-system"]["requires"],
        *project["dependencies"],
        *itertools.chain.from_iterable(extras),
    ]
    return [Requirement(name) for name in names]


@pytest.mark.parametrize("place", places(), ids=lambda place: "-".join(list(place.values())[-4:]))
def test_the_lock_agrees_with_whoever_asks(place: dict[str, str]) -> None:
    assert disagreements([*DIRECT, *by_the_project()], LOCK, place) == set()


def test_every_direct_requirement_is_pinned() -> None:
    assert DIRECT
    assert all([pin.operator for pin in wanted.specifier] == ["=="] for wanted in DIRECT)


def test_the_tests_run_on_what_the_lock_names() -> None:
    here = {name: str(value) for name, value in default_environment().items()}
    installed = [
        Requirement(f"{entry.requirement.name}=={version(entry.requirement.name)}")
        for entry in entries(LOCK)
        if entry.requirement.marker is None or entry.requirement.marker.evaluate(here)
    ]
    assert disagreements(installed, LOCK, here) == set()


@pytest.mark.parametrize(
    ("altered", "name"),
    [
        (r"^hypothesis==\S+", "hypothesis==6.0.0"),  # another version
        (r"^hypothesis==\S+", "hypothesis>=6.0.0"),  # no version
        (r"^hypothesis==\S+( \\\n +--hash=\S+)+\n", ""),  # no entry
        (r"(?<=^hypothesis==6.170.15)( \\\n +--hash=\S+)+", ""),  # no hash
        (r"^hypothesis==\S+", "hypothesis==6.170.15 --hash=sha256:" + "0" * 64 + "\nhypothesis==6"),
    ],
)
def test_another_lock_does_not(altered: str, name: str) -> None:
    lock, times = re.subn(altered, name, LOCK, count=1, flags=re.MULTILINE)
    assert times == 1
    assert disagreements(DIRECT, lock, places()[0]) == {"hypothesis"}


@pytest.mark.parametrize("line", ["--index-url https://host/simple", "-e .", "a @ file:///tmp/a"])
def test_a_host_or_a_path_is_no_entry(line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(line[:4])):
        entries(line)
