"""The four steps in their order, and each of them again."""

from __future__ import annotations

import pytest

from kit.rotation.world import STEPS, RotationWorld


def test_a_rotation_leaves_the_new_password_alone(world: RotationWorld) -> None:
    token = world.rotate()
    assert world.fields(token)["password"] != world.first_password
    world.check_only(world.fields(token)["password"])
    assert not world.accepts(world.servers[0], world.first_password)


def test_a_rotation_ends_with_the_labels_that_secrets_manager_expects(world: RotationWorld) -> None:
    token = world.rotate()
    assert world.labels(token) == {"AWSCURRENT"}


def test_other_fields_of_the_secret_stay(world: RotationWorld) -> None:
    before = world.fields()
    world.rotate()
    after = world.fields()
    assert after.keys() == before.keys()
    assert after["note"] == before["note"] == "kept"


def test_rules_of_the_user_stay(world: RotationWorld) -> None:
    with world.servers[0].admin() as admin:
        before = admin.acl_getuser(world.user)
        world.rotate()
        after = admin.acl_getuser(world.user)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"passwords"}


def test_one_rotation_can_follow_another(world: RotationWorld) -> None:
    first, second = world.rotate(), world.rotate()
    assert world.fields(first)["password"] != world.fields(second)["password"]
    world.check_only(world.fields(second)["password"])


def test_the_new_password_suits_elasticache(world: RotationWorld) -> None:
    token = world.announce()
    world.step("createSecret", token)
    password = world.fields(token)["password"]
    assert 16 <= len(password) <= 128
    assert set(password).isdisjoint(',"/@')
    assert password.isascii()
    assert password.isprintable()


def test_create_secret_changes_nothing_on_the_server(world: RotationWorld) -> None:
    token = world.announce()
    world.step("createSecret", token)
    world.check_only(world.first_password)
    assert world.labels(token) == {"AWSPENDING"}


def test_set_secret_makes_both_passwords_valid(world: RotationWorld) -> None:
    token = world.announce()
    world.step("createSecret", token)
    world.step("setSecret", token)
    assert world.accepts(world.servers[0], world.first_password)
    assert world.accepts(world.servers[0], world.fields(token)["password"])
    assert world.fields()["password"] == world.first_password


def test_set_secret_removes_a_third_password(world: RotationWorld) -> None:
    with world.servers[0].admin() as admin:
        admin.execute_command("ACL", "SETUSER", world.user, ">somebody-added-this")
    token = world.announce()
    world.step("createSecret", token)
    world.step("setSecret", token)
    assert len(world.hashes(world.servers[0])) == 2
    assert not world.accepts(world.servers[0], "somebody-added-this")


@pytest.mark.parametrize("repeated", STEPS)
def test_a_step_can_be_repeated(world: RotationWorld, repeated: str) -> None:
    token = world.announce()
    for name in STEPS:
        world.step(name, token)
        if name == repeated:
            world.step(name, token)
        world.check_current()
    world.check_only(world.fields(token)["password"])


def test_secrets_manager_may_try_the_test_alone(world: RotationWorld) -> None:
    # RotateImmediately=false runs testSecret on a copy of the current version, and removes the copy
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    token = world.announce()
    world.put(world.fields(), token=token, stage="AWSPENDING")
    world.step("testSecret", token)
    world.check_only(world.first_password)


def test_create_secret_keeps_the_password_it_has_made(world: RotationWorld) -> None:
    token = world.announce()
    world.step("createSecret", token)
    before = world.fields(token)
    world.step("createSecret", token)
    assert world.fields(token) == before


@pytest.mark.parametrize("late", STEPS)
def test_a_step_that_comes_again_at_the_end_changes_nothing(
    world: RotationWorld, late: str
) -> None:
    token = world.rotate()
    world.step(late, token)
    world.check_only(world.fields(token)["password"])


def test_a_whole_rotation_can_be_repeated(world: RotationWorld) -> None:
    token = world.rotate()
    world.rotate(token)
    world.check_only(world.fields(token)["password"])


def test_finish_secret_removes_the_old_password_where_the_stage_has_moved_before(
    world: RotationWorld,
) -> None:
    token = world.announce()
    for name in STEPS[:3]:
        world.step(name, token)
    [current] = [
        version
        for version, labels in world.client.describe_secret(SecretId=world.secret)[
            "VersionIdsToStages"
        ].items()
        if "AWSCURRENT" in labels
    ]
    world.client.update_secret_version_stage(
        SecretId=world.secret,
        VersionStage="AWSCURRENT",
        MoveToVersionId=token,
        RemoveFromVersionId=current,
    )
    assert world.accepts(world.servers[0], world.first_password)
    world.step("finishSecret", token)
    world.check_only(world.fields(token)["password"])


def test_an_abandoned_rotation_does_not_stand_in_the_way(world: RotationWorld) -> None:
    abandoned = world.announce()
    world.step("createSecret", abandoned)
    world.step("setSecret", abandoned)
    left_over = world.fields(abandoned)["password"]
    token = world.rotate(between=world.check_current)
    world.check_only(world.fields(token)["password"])
    assert not world.accepts(world.servers[0], left_over)
