"""Small CDK apps for construct tests."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

CONTEXT = {"@aws-cdk/core:validateAgainstDefaultRules": True}


@cache
def _output() -> tempfile.TemporaryDirectory[str]:
    # One for the whole process, so that the layer is built once.
    return tempfile.TemporaryDirectory(prefix="cdk-out-")


def app() -> App:
    """An app as `cdk init` would configure it."""
    return App(outdir=str(Path(_output().name)), context=CONTEXT, analytics_reporting=False)


def stack(scope: App | None = None, name: str = "Stack", **options: Any) -> Stack:
    """A stack in an app of its own, or in `scope`."""
    return Stack(app() if scope is None else scope, name, **options)


def function(scope: Stack, name: str = "Payments", **options: Any) -> lambda_.Function:
    """A Python function with inline code."""
    defaults: dict[str, Any] = {
        "runtime": lambda_.Runtime.PYTHON_3_13,
        "handler": "index.handler",
        "code": lambda_.Code.from_inline("def handler(event, context): return event"),
    }
    return lambda_.Function(scope, name, **{**defaults, **options})


def template(of: Stack) -> Template:
    """The synthesised template. Raises what synthesis raises."""
    return Template.from_stack(of)


def only(found: Template, kind: str) -> dict[str, Any]:
    """The properties of the template's one resource of a type."""
    resources = list(found.find_resources(kind).values())
    assert len(resources) == 1, f"{len(resources)} of {kind}"
    properties: dict[str, Any] = resources[0].get("Properties", {})
    return properties


def variables(found: Template) -> dict[str, Any]:
    """The environment of the template's one function."""
    environment: dict[str, Any] = only(found, "AWS::Lambda::Function")["Environment"]["Variables"]
    return environment


US = Environment(account="111111111111", region="us-east-1")
