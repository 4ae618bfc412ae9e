"""The environments of functions as the last synthesis had them, from the cloud assembly that this
one replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aws_cdk import Stack

from ...inspection import identity
from .deployment import AttachedFunction, Deployment


def last_environments(
    deployment: Deployment,
) -> Iterator[tuple[AttachedFunction, dict[str, Any]]]:
    """Yield the functions that the last synthesis had, with their environment variables then."""
    by_stack: dict[str, list[AttachedFunction]] = {}
    for attached in deployment.attached:
        by_stack.setdefault(identity(attached.stack), []).append(attached)
    for members in by_stack.values():
        stack = members[0].stack
        resources = _last_resources(deployment.tree.output, stack)
        if not resources:
            continue
        names: list[str] = stack.resolve([each.resource.logical_id for each in members])
        for attached, name in zip(members, names, strict=True):
            yield attached, _variables(resources.get(name))


def _last_resources(output: Path, stack: Stack) -> dict[str, Any]:
    if not any(output.glob("*.template.json")):
        return {}
    try:
        template = json.loads((output / stack.template_file).read_text())
    except (OSError, ValueError):
        return {}
    found = template.get("Resources") if isinstance(template, dict) else None
    return found if isinstance(found, dict) else {}


def _variables(resource: Any) -> dict[str, Any]:
    for name in ("Properties", "Environment", "Variables"):
        resource = resource.get(name) if isinstance(resource, dict) else None
    return resource if isinstance(resource, dict) else {}
