"""The construct: a store, and functions attached to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Unpack

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from lambda_idempotency.contract.settings import Settings

from .accepted import KEY, check_attribute, check_type
from .checks.model.deployment import AttachedFunction, Deployment
from .checks.model.tree import ConstructTree
from .checks.validation import AppValidation
from .errors import ConstructError
from .functions.attachable import check_attachable
from .functions.code import has_package_copy
from .functions.defaults import (
    checked_namespace,
    checked_prefix,
    default_namespace,
    prefixed,
    timeout_of,
)
from .functions.durable import execution_timeout_of, grant_liveness
from .functions.layer import layer_for
from .functions.native import cipher_libraries
from .functions.wrapping import own_handler, redirect_to_wrapper
from .grants import combine
from .monitoring.base import StoreMonitoring, rotation_failed
from .monitoring.metrics import IdempotencyMetrics
from .options import IdempotencyOptions, check_options, to_settings
from .stores.factory import IdempotencyStore
from .stores.large_responses import LargeResponses
from .stores.response_key import ResponseKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_apigateway as apigateway
    from aws_cdk import aws_apigatewayv2 as apigatewayv2
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_elasticache as elasticache
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_secretsmanager as secretsmanager

    from .monitoring.alarms import Actions
    from .monitoring.options import AlarmOptions

STORES: Final = (
    "IdempotencyStore.dynamodb(), with table=... for a table of yours, .redis(...) or "
    ".elasticache_serverless(...)"
)
_MARK = "cdk-idempotency:attached"


class Idempotency(IdempotencyMetrics):
    """A store for idempotency records, and the Python functions that are attached to it.

    `store` defaults to `IdempotencyStore.dynamodb()`. `namespace_prefix` begins the namespaces of
    all attached functions, so that a store may be shared with other apps (1 to 64 of A-Z a-z 0-9 .
    _ -). Default: none. `large_responses` is a bucket, in the region of the functions, for
    responses above `large_response_size`. Default: none, so duplicates do not get a response that
    its record cannot hold. `response_key` is a symmetric KMS key, in the region of the functions,
    under which they encrypt what records and objects keep of answers and steps; the layer then has
    the installed `cryptography`, unless a function's code does. Default: the store's own encryption
    alone. The other props are those of `IdempotencyOptions` and hold for every
    attached function. Raises ValueError naming this construct and the prop.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the field's name for it
        *,
        store: IdempotencyStore | None = None,
        namespace_prefix: str | None = None,
        large_responses: s3.IBucket | None = None,
        response_key: kms.IKey | None = None,
        **options: Unpack[IdempotencyOptions],
    ) -> None:
        super().__init__(scope, id)
        self._options: dict[str, Any] = dict(options)
        check_options(self, self._options)
        self._namespace_prefix = checked_prefix(self, namespace_prefix)
        check_type(self, "store", store, IdempotencyStore, STORES)
        check_attribute(
            self, "large_responses", large_responses, "bucket_name", "a Bucket, or an imported one"
        )
        check_attribute(self, "response_key", response_key, "key_arn", KEY)
        self._store = (IdempotencyStore.dynamodb() if store is None else store).bind(self)
        self._large_responses = None if large_responses is None else LargeResponses(large_responses)
        self._response_key = None if response_key is None else ResponseKey(response_key)
        self._attached: dict[str, AttachedFunction] = {}
        self._granted: set[str | None] = set()
        self._status_routes: dict[tuple[str, str], str] = {}
        AppValidation.of(self).add(self._deployment)

    @property
    def namespaces(self) -> dict[str, str]:
        """The namespace of each attached function, by its construct path."""
        return {path: attached.namespace for path, attached in self._attached.items()}

    @property
    def table(self) -> dynamodb.ITable | None:
        """The table with the records; None where they are in Redis."""
        return self._store.table

    @property
    def settings_parameter(self) -> str | None:
        """The name of the SSM parameter with the Redis server's settings; None on DynamoDB."""
        return self._store.settings().get("parameter")

    @property
    def secret(self) -> secretsmanager.ISecret | None:
        """The secret with the Redis user's name and password; None where there is none."""
        return None if self._store.server is None else self._store.server.secret

    @property
    def cache(self) -> elasticache.CfnServerlessCache | None:
        """The cache of `elasticache_serverless`; None elsewhere."""
        return None if self._store.server is None else self._store.server.cache

    def attach(
        self,
        function: lambda_.IFunction,
        *,
        namespace: str | None = None,
        wrap_handler: bool = False,
        **options: Unpack[IdempotencyOptions],
    ) -> None:
        """Give a Python function the layer, its settings, and the rights on its own records.

        `namespace` separates its records from other functions' (1 to 128 of A-Z a-z 0-9 . _ / -,
        with the prefix). Default: the name of its stack, the top-level one, and the construct path
        from there. Changing it, also by moving the function in the construct tree, forgets the
        records: pin it before you refactor.
        `wrap_handler` makes the function's handler idempotent without a change to its code: Lambda
        calls the layer's handler, which calls the function's own. Default: the code decorates it.
        The other props override this construct's for this function.

        Raises ValueError naming the function for an imported function, alias, version or container
        image, a runtime without support, a second attach, a file in the function's code that hides
        the layer's package and a function outside the store's VPC. A namespace that another
        function has in the same store ends the synthesis.
        """
        check_type(self, "wrap_handler", wrap_handler, bool, "True or False")
        attached = check_attachable(self, function)
        self._check_first(attached)
        package_copy = has_package_copy(attached)
        libraries = () if self._response_key is None else cipher_libraries(attached)
        self._store.connect(attached)
        namespace = checked_namespace(attached, self._namespace(attached, namespace))
        contract = {"namespace": namespace}
        if wrap_handler:
            contract["handler"] = own_handler(attached)
        settings = self._settings(attached, {**self._options, **options}, contract)
        if wrap_handler:
            redirect_to_wrapper(attached)
        self._attached[attached.node.path] = AttachedFunction(
            function=attached, settings=settings, has_package_copy=package_copy
        )
        attached.node.add_metadata(_MARK, self.node.path)
        attached.add_layers(
            layer_for(
                Stack.of(attached),
                libraries,
                architecture=attached.architecture if libraries else None,
            )
        )
        for variable, value in settings.to_environment().items():
            attached.add_environment(variable, value)
        self._store.grant(attached, namespace)
        if settings.execution_timeout is not None:
            grant_liveness(attached)
        if self._large_responses is not None:
            self._large_responses.attach(attached, namespace, expires_after=settings.expires_after)
        if self._response_key is not None:
            self._response_key.grant(attached, namespace)

    def add_status_route(
        self,
        api: apigatewayv2.HttpApi | apigateway.RestApi,
        *,
        function: lambda_.IFunction,
        authorizer: (
            apigatewayv2.IHttpRouteAuthorizer
            | apigateway.IAuthorizer
            | apigateway.AuthorizationType
            | None
        ) = None,
        api_key_required: bool | None = None,
    ) -> None:
        """Add `GET {status_path}/{token}` to an API: the attached function itself answers it.

        `function` is the attached function, or an alias of it. `authorizer` is that of the route
        whose requests are asked about: with it callers see their own requests, without it only
        their state. For a REST API it may be an AuthorizationType; `api_key_required` is the
        route's value. Default: the API's defaults.

        Raises ValueError for a function that is not attached here, has no status path, or is a
        per-tenant one.
        """
        # The API modules are large, and few apps need both.
        from .functions.status_route import add_status_route

        check_attribute(self, "function", function, "function_arn", "an attached function")
        check_attribute(self, "api", api, "node", "an HttpApi or RestApi of this app")
        attached = function.lambda_ if isinstance(function, lambda_.Alias) else function
        known = self._attached.get(attached.node.path)
        if known is None:
            raise self._not_attached(attached)
        http = known.settings.http
        path = None if http is None else http.status_route
        if path is None:
            raise ConstructError(
                self,
                f"{attached.node.path} has no status path; attach it with http=HttpProfile."
                "accepted(), or give another profile status_path='/idempotency'",
            )
        taken = self._status_routes.setdefault((api.node.path, path), attached.node.path)
        if taken != attached.node.path:
            raise ConstructError(
                self,
                f"{path} of {api.node.path} tells the state of {taken}'s requests; give "
                f"{attached.node.path} a status_path of its own",
            )
        add_status_route(
            self,
            api,
            path,
            function,
            authorizer=authorizer,
            api_key_required=api_key_required,
        )

    def grant_use(self, grantee: iam.IGrantable, *, namespace: str | None = None) -> iam.Grant:
        """Allow others to use the store: a worker without the layer, or an operator.

        `namespace` restricts the grant to one function's records; None grants all of them. IAM
        cannot fence Redis: there all grantees are one Redis user, and a namespace is added to those
        that the user of `elasticache_serverless` may use. The grant opens no way into a VPC.
        """
        check_attribute(
            self, "grantee", grantee, "grant_principal", "a function, a role, or another grantee"
        )
        if namespace is not None:
            checked_namespace(self, namespace)
        self._granted.add(namespace)
        others = (self._large_responses, self._response_key)
        return combine(
            self._store.grant(grantee, namespace),
            *(other.grant(grantee, namespace) for other in others if other is not None),
        )

    def environment_of(self, function: lambda_.IFunction) -> dict[str, str]:
        """Return the variables of an attached function for its unit tests: as they are deployed,
        with the records in memory, and without what only the deployment knows. Raises ValueError
        for a function that is not attached here."""
        check_attribute(self, "function", function, "function_arn", "an attached function")
        attached = self._attached.get(function.node.path)
        if attached is None:
            raise self._not_attached(function)
        elsewhere = ("table", "parameter", "url_suffix", "large_responses", "response_key")
        defaults = {name: Settings.defaults[name] for name in elsewhere}
        return attached.settings.overridden(**defaults, store="memory").to_environment()

    def dashboard(self, *, runbook: str | None = None) -> cloudwatch.Dashboard:
        """Add a dashboard for the person on call: requests, latency, what must never happen, and
        the store's own metrics. `runbook` is the URL of your copy of docs/runbook.md. Raises
        ValueError when called twice."""
        from .monitoring.dashboard import add_dashboard

        check_type(self, "runbook", runbook, str, "the URL of a page")
        return add_dashboard(self, self._monitoring(), runbook)

    def alarms(
        self,
        topic: Actions,
        *,
        ticket: Actions | None = None,
        function: lambda_.IFunction | None = None,
        options: Mapping[str, AlarmOptions] | None = None,
        runbook: str | None = None,
    ) -> dict[str, cloudwatch.AlarmBase]:
        """Add alarms for what must never happen, and return them by name.

        `topic` hears when one starts and when it ends: a topic, another alarm action, or a list of
        them. `ticket` hears instead of what can wait until the morning. Default: `topic`.
        `function` is an attached function, for alarms on its records alone. Default: those of all
        functions, with the store's own. `options` has thresholds, periods and urgencies by the
        names of alarms. They link to the sections of `runbook`, the URL of your copy of
        docs/runbook.md. Default: that path.

        Raises ValueError when called twice for one function, or for all, and for an unknown alarm
        or option.
        """
        from .monitoring.alarms import add_alarms

        check_type(self, "runbook", runbook, str, "the URL of a page")
        namespace = None
        if function is not None:
            check_attribute(self, "function", function, "function_arn", "an attached function")
            namespace = self.namespaces.get(function.node.path)
            if namespace is None:
                raise self._not_attached(function)
        return add_alarms(
            self,
            self._monitoring(),
            page=topic,
            ticket=ticket,
            namespace=namespace,
            options=options,
            runbook=runbook,
        )

    def _not_attached(self, function: lambda_.IFunction) -> ConstructError:
        return ConstructError(self, f"{function.node.path} is not attached here; attach it first")

    def _monitoring(self) -> StoreMonitoring:
        found, server = self._store.monitoring(), self._store.server
        if server is None or server.rotation is None:
            return found
        failed = rotation_failed(server.rotation.function)
        return replace(found, alarm_specs=(*found.alarm_specs, failed))

    def _deployment(self, tree: ConstructTree) -> Deployment:
        return Deployment(
            construct=self,
            store=self._store,
            large_responses=self._large_responses,
            response_key=self._response_key,
            namespace_prefix=self._namespace_prefix,
            attached=tuple(self._attached.values()),
            granted=frozenset(self._granted),
            asked=frozenset(self._asked_namespaces),
            tree=tree,
        )

    def _settings(
        self, function: lambda_.Function, options: dict[str, Any], contract: dict[str, Any]
    ) -> Settings:
        """Return the function's settings; `contract` has those that follow from `attach` itself."""
        contract = {**self._store.settings(), **contract}
        if (execution := execution_timeout_of(function)) is not None:
            contract["execution_timeout"] = execution
        if "lease" not in options:
            contract["timeout"] = timeout_of(function)
        if self._response_key is not None:
            contract.update(self._response_key.settings())
        if self._large_responses is not None:
            contract.update(self._large_responses.settings())
        elif "large_response_size" in options:
            raise ConstructError(
                function, "large_response_size is for a bucket; pass large_responses=..."
            )
        return to_settings(function, options, **contract)

    def _check_first(self, function: lambda_.Function) -> None:
        for entry in function.node.metadata:
            if entry.type == _MARK:
                raise ConstructError(
                    function, f"it is attached to {entry.data} already; attach it once"
                )

    def _namespace(self, function: lambda_.Function, given: str | None) -> str:
        if given is None:
            return default_namespace(function, self._namespace_prefix)
        return prefixed(given, self._namespace_prefix)
