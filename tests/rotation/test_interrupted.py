"""A rotation that is killed after any of its calls, and begun again as Secrets Manager does.

A call that only reads leaves what the last change left. So whole rotations are killed after each
change, and after the read that follows it; each step of one, after any call.
"""

from __future__ import annotations

from itertools import count
from typing import Final

import pytest

from kit.rotation.calls import Calls, Killed, kill
from kit.rotation.world import STEPS, RotationWorld

CHANGES: Final = ("put_secret_value", "ACL SETUSER", "update_secret_version_stage")
"""The calls that change anything; those between them only read."""


def changes_of(world: RotationWorld) -> list[int]:
    """Return the numbers, from 1, of a rotation's calls that change anything."""
    calls = Calls()
    world.rotate(calls=calls)
    assert len(calls.names) > 50
    return [number for number, name in enumerate(calls.names, start=1) if name in CHANGES]


def kill_at(world: RotationWorld, number: int) -> str:
    """Kill a rotation after a call, check that AWSCURRENT is valid, and return the token."""
    calls = Calls()
    calls.after(number, kill)
    token = world.announce()
    with pytest.raises(Killed):
        world.rotate(token, calls=calls, between=world.check_current)
    world.check_current()
    return token


def check_repeated(world: RotationWorld, number: int) -> None:
    """Kill a rotation after a call, and check that its repetition ends well."""
    old = world.fields()["password"]
    token = kill_at(world, number)
    world.rotate(token, between=world.check_current)
    world.check_only(world.fields(token)["password"])
    assert not any(world.accepts(server, old) for server in world.servers)


@pytest.mark.parametrize("which", ["pair", "cluster_world"])
def test_killed_after_any_change_it_ends_well(request: pytest.FixtureRequest, which: str) -> None:
    world: RotationWorld = request.getfixturevalue(which)
    changes = changes_of(world)
    assert len(changes) == 2 * len(world.servers) + 2
    for number in changes:
        check_repeated(world, number)


def test_killed_after_the_look_that_follows_a_change_it_ends_well(pair: RotationWorld) -> None:
    for number in changes_of(pair):
        check_repeated(pair, number + 1)


def test_a_new_rotation_after_one_that_was_killed_ends_well(pair: RotationWorld) -> None:
    for number in changes_of(pair):
        old = pair.fields()["password"]
        abandoned = kill_at(pair, number)
        token = pair.rotate(between=pair.check_current)
        pair.check_only(pair.fields(token)["password"])
        for password in (old, pair.fields(abandoned)["password"]):
            assert not any(pair.accepts(server, password) for server in pair.servers)


@pytest.mark.parametrize("which", ["pair", "cluster_world"])
def test_what_is_current_is_valid_between_any_two_calls(
    request: pytest.FixtureRequest, which: str
) -> None:
    world: RotationWorld = request.getfixturevalue(which)
    calls = Calls()
    calls.after_each(world.check_current)
    token = world.rotate(calls=calls)
    world.check_only(world.fields(token)["password"])


@pytest.mark.parametrize("step", STEPS)
def test_a_step_killed_again_and_again_ends_well(world: RotationWorld, step: str) -> None:
    token = world.announce()
    for name in STEPS[: STEPS.index(step)]:
        world.step(name, token)
    for number in count(1):
        calls = Calls()
        calls.after(number, kill)
        try:
            world.step(step, token, calls=calls)
        except Killed:
            world.check_current()
        else:
            break
    world.rotate(token, between=world.check_current)
    world.check_only(world.fields(token)["password"])
