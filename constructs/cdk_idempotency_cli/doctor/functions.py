"""The attached functions: their environment, their layer, their timeout."""

from __future__ import annotations

from collections.abc import Iterator

from lambda_idempotency.contract.settings import PREFIX, Settings

from ..deployment import AttachedFunction, Deployment
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
        if name.removeprefix(PREFIX).lower() not in Settings.kinds:
            found.append(warning(about, f"{name} is no setting, and is ignored: is it misspelled?"))
    if function.settings.disabled:
        found.append(error(about, f"{PREFIX}DISABLED is set: nothing is protected"))
    yield from found or [ok(about, "as synthesized")]


def layer(deployment: Deployment, function: AttachedFunction) -> Iterator[Finding]:
    """Hold the function's layers against the template's."""
    about = f"{function.resource.path} layer"
    stack = function.resource.stack
    versions = {
        each.logical_id: each.physical_id
        for each in deployment.of_kind("AWS::Lambda::LayerVersion")
        if each.stack == stack and each.logical_id.startswith("IdempotencyLayer")
    }
    named = [each.get("Ref") for each in function.resource.properties.get("Layers", [])]
    expected = {versions[name] for name in named if name in versions}
    deployed = {each["Arn"] for each in function.configuration.get("Layers", [])}
    if not expected:
        yield warning(about, "the template names no layer of this stack")
    elif not expected <= deployed:
        wanted = ", ".join(sorted(each.rpartition(":layer:")[2] for each in expected))
        yield error(about, f"the function does not have {wanted}; deploy again")
    else:
        yield ok(about, "as synthesized")


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
