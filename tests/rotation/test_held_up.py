"""A step that is held up after any of its calls while others go on, and then continues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from kit.rotation.calls import Calls
from kit.rotation.secrets import remove_pending
from kit.rotation.world import STEPS, RotationWorld
from lambda_idempotency.rotation.errors import RotationError


def held_up(
    world: RotationWorld, step: str, token: str, *, number: int, meanwhile: Callable[[], None]
) -> bool:
    """Runs the step, with other things after that call. False if it has not so many calls."""
    calls = Calls()
    done = False

    def others() -> None:
        nonlocal done
        try:
            meanwhile()
        except RotationError as error:
            raise AssertionError("what is not held up does its work") from error
        done = True

    calls.after(number, others)
    try:
        world.step(step, token, calls=calls)
    except RotationError:
        assert done, "nothing has happened that could disturb it"
    return done


def prepared(world: RotationWorld, *, until: str) -> Iterator[tuple[int, str]]:
    """Rotations that are about to do this step, numbered from 1."""
    for number in count(1):
        token = world.announce()
        for name in STEPS[: STEPS.index(until)]:
            world.step(name, token)
        yield number, token


def test_a_set_secret_held_up_until_the_end_brings_nothing_back(pair: RotationWorld) -> None:
    for number, token in prepared(pair, until="setSecret"):

        def finish(token: str = token) -> None:
            for name in STEPS[1:]:
                pair.step(name, token)
                pair.check_current()

        held = held_up(pair, "setSecret", token, number=number, meanwhile=finish)
        if not held:
            return
        pair.check_only(pair.fields(token)["password"])


def test_a_set_secret_held_up_over_another_rotation_brings_nothing_back(
    world: RotationWorld,
) -> None:
    for number, token in prepared(world, until="setSecret"):

        def rotate_twice(token: str = token) -> None:
            world.rotate(token)
            world.rotate()

        held = held_up(world, "setSecret", token, number=number, meanwhile=rotate_twice)
        if not held:
            return
        world.check_only(world.fields()["password"])


def test_a_finish_secret_held_up_keeps_the_password_that_comes_next(world: RotationWorld) -> None:
    for number, token in prepared(world, until="finishSecret"):
        following: list[str] = []

        def begin_another(token: str = token, following: list[str] = following) -> None:
            world.step("finishSecret", token)
            following.append(world.announce())
            for name in STEPS[:3]:
                world.step(name, following[0])

        held = held_up(world, "finishSecret", token, number=number, meanwhile=begin_another)
        if not held:
            return
        world.check_current()
        assert world.accepts(world.servers[0], world.fields(following[0])["password"])
        world.step("finishSecret", following[0])
        world.check_only(world.fields(following[0])["password"])


def test_a_finish_secret_held_up_over_another_rotation_ends_well(world: RotationWorld) -> None:
    for number, token in prepared(world, until="finishSecret"):

        def rotate_on(token: str = token) -> None:
            world.step("finishSecret", token)
            world.rotate()

        held = held_up(world, "finishSecret", token, number=number, meanwhile=rotate_on)
        if not held:
            return
        world.check_only(world.fields()["password"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("update_secret_version_stage", "neither AWSPENDING nor AWSCURRENT"),
        ("ACL SETUSER", "is no longer AWSCURRENT"),
    ],
)
def test_a_finish_secret_that_was_overtaken_says_so(
    world: RotationWorld, call: str, words: str
) -> None:
    token = world.announce()
    for name in STEPS[:3]:
        world.step(name, token)

    def rotate_on() -> None:
        world.step("finishSecret", token)
        world.rotate()

    calls = Calls()
    calls.after_first(call, rotate_on)
    with pytest.raises(RotationError, match=words):
        world.step("finishSecret", token, calls=calls)
    world.check_only(world.fields()["password"])


def test_a_set_secret_whose_token_is_withdrawn_changes_nothing(world: RotationWorld) -> None:
    token = world.announce()
    world.step("createSecret", token)
    calls = Calls()
    calls.after_first("describe_secret", lambda: remove_pending(world.client, world.secret))
    with pytest.raises(RotationError, match="neither AWSPENDING nor AWSCURRENT"):
        world.step("setSecret", token, calls=calls)
    assert "ACL SETUSER" not in calls.names


def test_two_at_once_agree_on_one_new_password(world: RotationWorld) -> None:
    for number in count(1):
        token = world.announce()
        again = lambda token=token: world.step("createSecret", token)  # noqa: E731
        held = held_up(world, "createSecret", token, number=number, meanwhile=again)
        if not held:
            return
        password = world.fields(token)["password"]
        world.rotate(token)
        world.check_only(password)
