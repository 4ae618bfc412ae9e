"""Takes from a synthesized app what the local AWS does not know, and puts values in its place.

A reference to something removed that has no value here is an error: the emulator would resolve it
to an empty text, and the test would prove nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

StandIns: TypeAlias = Mapping[str, Mapping[str, str]]
"""By resource type: the values of its `Ref` and of its attributes."""


def replace_resources(assembly: Path, stand_ins: StandIns) -> None:
    """Rewrites the templates in a cloud assembly, and the hashes by which they are found."""
    for template in sorted(assembly.glob("*.template.json")):
        before = json.loads(template.read_text())
        after = without(before, stand_ins)
        if after != before:
            template.write_text(json.dumps(after))
            _rehash(assembly, template)


def without(template: dict[str, Any], stand_ins: StandIns) -> dict[str, Any]:
    """The template without these resources. Raises ValueError for a reference without a value."""
    resources: dict[str, Any] = template.get("Resources", {})
    removed = {
        name: (resource["Type"], stand_ins[resource["Type"]])
        for name, resource in resources.items()
        if resource["Type"] in stand_ins
    }
    kept = {name: resource for name, resource in resources.items() if name not in removed}
    changed: dict[str, Any] = _resolved({**template, "Resources": kept}, removed)
    return changed


def _resolved(value: Any, removed: Mapping[str, tuple[str, Mapping[str, str]]]) -> Any:
    if isinstance(value, list):
        return [_resolved(member, removed) for member in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref" and argument in removed:
            return _value(removed[argument], "Ref")
        if function == "Fn::GetAtt" and argument[0] in removed:
            return _value(removed[argument[0]], argument[1])
        if function == "Fn::Sub" and any(f"${{{name}" in str(argument) for name in removed):
            raise ValueError(f"Fn::Sub refers to a removed resource: {argument}")
    found = {name: _resolved(member, removed) for name, member in value.items()}
    if "DependsOn" in found:
        needed = found["DependsOn"]
        needed = [needed] if isinstance(needed, str) else needed
        found["DependsOn"] = [name for name in needed if name not in removed]
    return found


def _value(removed: tuple[str, Mapping[str, str]], attribute: str) -> str:
    kind, values = removed
    if attribute not in values:
        raise ValueError(f"{attribute} of the removed {kind} is used, and has no stand-in")
    return values[attribute]


def _rehash(assembly: Path, template: Path) -> None:
    """The CLI uploads a template under its hash, and skips one that is there already."""
    assets = assembly / template.name.replace(".template.json", ".assets.json")
    [old] = [
        key
        for key, asset in json.loads(assets.read_text())["files"].items()
        if asset["source"]["path"] == template.name
    ]
    new = sha256(template.read_bytes()).hexdigest()
    for file in (assets, assembly / "manifest.json"):
        file.write_text(file.read_text().replace(old, new))
