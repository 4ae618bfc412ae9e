"""The attached functions: their environment, their layer, their timeout."""

from __future__ import annotations

from collections.abc import Iterator

from lambda_idempotency.contract.names import VERSION
from lambda_idempotency.contract.settings import PREFIX

from ..deployment import AttachedFunction, Deployment
from ..errors import FailedError
from .finding import Finding, error, ok, warning


def environment(function: AttachedFunction) -> Iterator[Finding]:
    """Hold the variables against the template's."""
    about = f"{function.resource.path} environment"
    synthesized = function.resource.properties.get("Environment", {}).get("Variables", {})
    ours = {name for name in (*synthesized, *function.variables) if name.startswith(PREFIX)}
    found = []
    for name in sorted(ours):
        expected, deployed = synthesized.get(name), function.variables.get(name)
        if deployed is None:
            found.append(error(about, f"{name} is missing; deploy again"))
        elif expected is None:
            found.append(warning(about, f"{name} was set by hand; the next deployment removes it"))
        elif isinstance(expected, str) and expected != deployed:
            found.append(error(about, f"{name} was changed by hand; deploy again"))
    try:
        if function.settings.disabled:
            found.append(error(about, f"{PREFIX}DISABLED is set: nothing is protected"))
    except FailedError as failed:
        found.append(error(about, str(failed)))
    yield from found or [ok(about, "as synthesized")]


def readable(function: AttachedFunction) -> bool:
    """Tell whether the function's settings are as expected."""
    try:
        return bool(function.settings)
    except FailedError:
        return False


def layer(deployment: Deployment, function: AttachedFunction) -> Iterator[Finding]:
    """Hold the function's layers against the template's."""
    about = f"{function.resource.path} layer"
    stack = function.resource.stack
    layers = [
        each
        for each in deployment.of_kind("AWS::Lambda::LayerVersion")
        if each.stack == stack and each.logical_id.startswith("IdempotencyLayer")
    ]
    versions = {each.logical_id: each.physical_id for each in layers}
    named = [each.get("Ref") for each in function.resource.properties.get("Layers", [])]
    expected = {versions[name] for name in named if name in versions}
    descriptions = [
        str(each.properties.get("Description")) for each in layers if each.logical_id in named
    ]
    deployed = {each["Arn"] for each in function.configuration.get("Layers", [])}
    if not expected:
        yield warning(about, "the template names no layer of this stack")
    elif not expected <= deployed:
        wanted = ", ".join(sorted(each.rpartition(":layer:")[2] for each in expected))
        yield error(about, f"the function does not have {wanted}; deploy again")
    else:
        yield from _version(about, descriptions)


def _version(about: str, descriptions: list[str]) -> Iterator[Finding]:
    """Tell which version of the runtime the layer has."""
    for text in descriptions:
        version = text.removeprefix("cdk-idempotency ").partition(":")[0]
        if version == VERSION:
            yield ok(about, f"as synthesized, version {version}")
        else:
            yield warning(about, f"it has version {version}, and this command is of {VERSION}")


def timeout(function: AttachedFunction) -> Iterator[Finding]:
    """Hold the function's timeout against the one that the layer knows."""
    about = f"{function.resource.path} timeout"
    known, deployed = function.settings.timeout, function.configuration.get("Timeout")
    if known is not None and deployed != known:
        yield warning(
            about, f"it is {deployed} s, and {PREFIX}TIMEOUT says {known:g} s; deploy again"
        )
    else:
        yield ok(about, f"{deployed} s")
