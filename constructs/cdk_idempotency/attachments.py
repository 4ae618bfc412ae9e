"""The functions that are attached to an `Idempotency`, and what each gets."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct
from lambda_idempotency.contract.settings import WRAPPER, Settings

from .checks.model.deployment import AttachedFunction
from .checks.validation import AppValidation
from .errors import ConstructError
from .functions.attachable import Attachable, check_attachable
from .functions.code import has_package_copy
from .functions.contents import Contents
from .functions.defaults import (
    TopStack,
    checked_namespace,
    default_namespace,
    prefixed,
    timeout_of,
)
from .functions.durable import execution_timeout_of, grant_liveness
from .functions.layer import Layer, layer_for
from .functions.native import cipher_libraries
from .functions.wrapping import own_handler, redirect_to_wrapper
from .inspection import Inspector, identity
from .options import to_settings
from .stores.base import BoundStore
from .stores.large_responses import LargeResponses
from .stores.response_key import ResponseKey


class Attachments:
    """The attached functions of an `Idempotency`. Whatever several of them share is made once:
    each call of the CDK is a round trip to Node."""

    def __init__(
        self,
        construct: IConstruct,
        *,
        store: BoundStore,
        large_responses: LargeResponses | None,
        response_key: ResponseKey | None,
        prefix: str | None,
        options: dict[str, Any],
    ) -> None:
        self._construct = construct
        self._path = construct.node.path
        self._store = store
        self._large_responses = large_responses
        self._response_key = response_key
        self._prefix = prefix
        self._options = options
        self._store_settings = store.settings()
        self._inspector = Inspector()
        self._contents = Contents.of(construct)
        self._layers: dict[tuple[str, str, tuple[str, ...], str | None], Layer] = {}
        self._top_stacks: dict[str, TopStack] = {}
        self._validation = AppValidation.of(construct)
        self.functions: dict[str, AttachedFunction] = {}
        """By their paths."""

    def attach(
        self,
        function: lambda_.IFunction,
        namespace: str | None,
        options: dict[str, Any],
        *,
        wrap_handler: bool,
    ) -> None:
        """Attach a function, as `Idempotency.attach` says."""
        found = check_attachable(self._construct, function, self._inspector)
        taken = self._validation.claim(found.path, self._path)
        if taken is not None:
            raise ConstructError(
                found.function, f"it is attached to {taken} already; attach it once"
            )
        package_copy = has_package_copy(found)
        if found.is_image and wrap_handler:
            raise ConstructError(
                found.function,
                "a container image has its handler in its CMD: name "
                f"{WRAPPER} there, and the own one in IDEMPOTENCY_HANDLER; or decorate it",
            )
        self._store.connect(found.function)
        settings = self._settings(
            found,
            {**self._options, **options},
            {
                "namespace": checked_namespace(found.function, self._namespace(found, namespace)),
                **({"handler": own_handler(found)} if wrap_handler else {}),
            },
        )
        if wrap_handler:
            redirect_to_wrapper(found)
        layer = None if found.is_image else self._layer(found)
        self.functions[found.path] = AttachedFunction(
            function=found.function,
            resource=found.resource,
            name=found.path,
            stack=found.stack,
            settings=settings,
            has_package_copy=package_copy,
            byte_code=found.runtime if layer is not None and layer.is_compiled else None,
        )
        self._equip(found, settings, layer)

    def is_attached(self, function: IConstruct) -> bool:
        """Tell whether a function is attached, to whatever `Idempotency` of the app."""
        return function.node.path in self._validation.attached

    def settings_elsewhere(self, namespace: str, options: dict[str, Any]) -> Settings:
        """Return the settings of something that is no function of this app, in a namespace."""
        contract = {**self._shared_settings(), "namespace": namespace}
        return to_settings(self._construct, {**self._options, **options}, **contract)

    def _equip(self, found: Attachable, settings: Settings, layer: Layer | None) -> None:
        """Give a function its layer, its environment and its rights."""
        function, namespace = found.function, settings.namespace
        assert namespace is not None
        if layer is not None:
            function.add_layers(layer.version)
        for variable, value in settings.to_environment().items():
            function.add_environment(variable, value)
        self._store.grant(function, namespace)
        if settings.execution_timeout is not None:
            grant_liveness(function)
        if self._large_responses is not None:
            self._large_responses.attach(function, namespace, expires_after=settings.expires_after)
        if self._response_key is not None:
            self._response_key.grant(function, namespace)

    def _layer(self, found: Attachable) -> Layer:
        libraries = () if self._response_key is None else cipher_libraries(found)
        architecture = found.architecture if libraries else None
        key = (identity(found.stack), found.runtime, libraries, architecture)
        if key not in self._layers:
            self._layers[key] = layer_for(
                found.stack,
                found.function.runtime,
                libraries,
                contents=self._contents,
                architecture=architecture,
            )
        return self._layers[key]

    def _namespace(self, found: Attachable, given: str | None) -> str:
        if given is not None:
            return prefixed(given, self._prefix)
        return default_namespace(found.path, self._top_stack(found.stack), self._prefix)

    def _top_stack(self, stack: Stack) -> TopStack:
        key = identity(stack)
        if key not in self._top_stacks:
            self._top_stacks[key] = TopStack.of(stack)
        return self._top_stacks[key]

    def _settings(
        self, found: Attachable, options: dict[str, Any], contract: dict[str, Any]
    ) -> Settings:
        """Return the function's settings; `contract` has those that follow from `attach` itself."""
        contract = {**self._shared_settings(), **contract}
        if (execution := execution_timeout_of(found)) is not None:
            contract["execution_timeout"] = execution
        if "lease" not in options:
            contract["timeout"] = timeout_of(found)
        if self._large_responses is None and "large_response_size" in options:
            raise ConstructError(
                found.function, "large_response_size is for a bucket; pass large_responses=..."
            )
        return to_settings(found.function, options, **contract)

    def _shared_settings(self) -> dict[str, Any]:
        """Return the contract's settings that all users of the store have."""
        places = (self._large_responses, self._response_key)
        shared: dict[str, Any] = dict(self._store_settings)
        for place in places:
            shared.update({} if place is None else place.settings())
        return shared
