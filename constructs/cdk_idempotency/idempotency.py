"""The construct: a store, and functions attached to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Unpack

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct, IConstruct
from lambda_idempotency.contract.settings import Settings

from .accepted import KEY, check_attribute, check_type
from .attachments import Attachments
from .checks.model.deployment import Deployment
from .checks.model.tree import ConstructTree
from .checks.validation import AppValidation
from .errors import ConstructError
from .functions.attachable import can_be_attached
from .functions.defaults import checked_namespace, checked_prefix
from .functions.layer import layer_for
from .grants import combine
from .handles import IdempotencyHandles
from .mixin import IdempotencyMixin
from .monitoring.base import StoreMonitoring, rotation_failed
from .options import IdempotencyOptions, check_options
from .stores.factory import IdempotencyStore
from .stores.large_responses import LargeResponses
from .stores.response_key import ResponseKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_apigateway as apigateway
    from aws_cdk import aws_apigatewayv2 as apigatewayv2
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sqs as sqs
    from aws_cdk import aws_ssm as ssm

    from .monitoring.alarms import Actions
    from .monitoring.options import AlarmOptions

STORES: Final = (
    "IdempotencyStore.dynamodb(), with table=... for a table of yours, .redis(...) or "
    ".elasticache_serverless(...)"
)


class Idempotency(IdempotencyHandles):
    """A store for idempotency records, and the Python functions that are attached to it.

    `store` defaults to `IdempotencyStore.dynamodb()`. `namespace_prefix` begins the namespaces of
    all attached functions, so that a store may be shared with other apps (1 to 64 of A-Z a-z 0-9 .
    _ -). Default: none. `large_responses` is a bucket, in the region of the functions, for
    responses above `large_response_size`. Default: none, so duplicates do not get a response that
    its record cannot hold. `response_key` is a symmetric KMS key, in the region of the functions,
    under which they encrypt what records and objects keep of answers and steps; the layer then has
    the installed `cryptography`, unless a function's code does. Default: the store's own encryption
    alone. `accept_new_store` lets functions forget the records of the last synthesis, which had
    them elsewhere; without it that is an error. The other props are those of `IdempotencyOptions`
    and hold for every attached function. Raises ValueError naming this construct and the prop.
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
        accept_new_store: bool = False,
        **options: Unpack[IdempotencyOptions],
    ) -> None:
        super().__init__(scope, id)
        given: dict[str, Any] = dict(options)
        check_options(self, given)
        self._namespace_prefix = checked_prefix(self, namespace_prefix)
        check_type(self, "store", store, IdempotencyStore, STORES)
        check_attribute(
            self, "large_responses", large_responses, "bucket_name", "a Bucket, or an imported one"
        )
        check_attribute(self, "response_key", response_key, "key_arn", KEY)
        self._store = (IdempotencyStore.dynamodb() if store is None else store).bind(self)
        self._large_responses = None if large_responses is None else LargeResponses(large_responses)
        self._response_key = None if response_key is None else ResponseKey(response_key)
        self._attachments = Attachments(
            self,
            store=self._store,
            large_responses=self._large_responses,
            response_key=self._response_key,
            prefix=self._namespace_prefix,
            options=given,
        )
        self._accept_new_store = accept_new_store
        self._granted: set[str | None] = set()
        self._status_routes: dict[tuple[str, str], str] = {}
        # The store's own resource, for escape hatches.
        table = None if self._store.table is None else self.node.try_find_child("Table")
        self.node.default_child = self.cache if table is None else table.node.default_child
        AppValidation.of(self).add(self._deployment)

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

        A container image gets settings and rights, and brings the package itself.

        Raises ValueError naming the function for an imported function, alias or version, a runtime
        without support, a second attach, a file in the function's code that hides the layer's
        package and a function outside the store's VPC. A namespace that another function has in
        the same store ends the synthesis.
        """
        check_type(self, "wrap_handler", wrap_handler, bool, "True or False")
        self._attachments.attach(function, namespace, dict(options), wrap_handler=wrap_handler)

    def attach_all(
        self, scope: IConstruct, **options: Unpack[IdempotencyOptions]
    ) -> list[lambda_.Function]:
        """Attach every Python function below a scope that is not attached yet, and return them.

        Functions that the CDK has for custom resources are left out, and so are container images.
        Functions that are added later are not attached.
        """
        found = [
            each
            for each in scope.node.find_all()
            if can_be_attached(each) and not self._attachments.is_attached(each)
        ]
        functions = [each for each in found if each is not self.rotation_function]
        for function in functions:
            self._attachments.attach(function, None, dict(options), wrap_handler=False)
        return functions

    def mixin(self, **options: Unpack[IdempotencyOptions]) -> IdempotencyMixin:
        """Return a mixin that attaches: `function.with_(idempotency.mixin())`, or all functions
        below a scope by `scope.with_(...)`."""

        def attach(function: lambda_.Function) -> None:
            self._attachments.attach(function, None, dict(options), wrap_handler=False)

        return IdempotencyMixin(attach)

    def add_queue(self, function: lambda_.Function, queue: sqs.IQueue, **options: Any) -> None:
        """Let an attached function poll a queue, with `report_batch_item_failures`. A queue of this
        app without a visibility timeout gets one of six times the function's timeout and the
        batching window. `options` are those of `SqsEventSource`."""
        from .event_sources import queue_source

        function.add_event_source(queue_source(function, queue, options))

    def add_stream(self, function: lambda_.Function, stream: Any, **options: Any) -> None:
        """Let an attached function poll a Kinesis stream, or a table's stream, with
        `report_batch_item_failures`. `options` are those of `KinesisEventSource` and
        `DynamoEventSource`; `starting_position` is TRIM_HORIZON by default."""
        from .event_sources import stream_source

        function.add_event_source(stream_source(stream, options))

    def environment_for(
        self, namespace: str, **options: Unpack[IdempotencyOptions]
    ) -> dict[str, str]:
        """Return the environment variables of something that uses the store and is no function of
        this app, such as a container. It needs `grant_use(..., namespace=...)` with the same
        namespace, which already has the prefix."""
        checked_namespace(self, namespace)
        return self._attachments.settings_elsewhere(namespace, dict(options)).to_environment()

    def export(
        self,
        path: str,
        *,
        namespace: str,
        runtime: lambda_.Runtime,
        **options: Unpack[IdempotencyOptions],
    ) -> dict[str, ssm.StringParameter]:
        """Put into SSM parameters below `path` what a function of SAM, Serverless or Terraform
        needs, and return them by name: `layer` and `policy` have ARNs, the others are environment
        variables. `namespace` is that of the function, `runtime` that of its layer."""
        from .exports import export, policy_for

        scope = Construct(self, f"Export-{namespace.replace('/', '-')}")
        policy = policy_for(scope, namespace)
        self.grant_use(policy, namespace=namespace)
        layer = layer_for(Stack.of(self), runtime)
        environment = self.environment_for(namespace, **options)
        return export(scope, path, layer.version, policy, environment)

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
        known = self._attachments.functions.get(attached.node.path)
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
        grants = self._store.grant(grantee, namespace)
        for other in (self._large_responses, self._response_key):
            if other is not None:
                grants += other.grant(grantee, namespace)
        return combine(grants)

    def environment_of(self, function: lambda_.IFunction) -> dict[str, str]:
        """Return the variables of an attached function for its unit tests: as they are deployed,
        with the records in memory, and without what only the deployment knows. Raises ValueError
        for a function that is not attached here."""
        check_attribute(self, "function", function, "function_arn", "an attached function")
        attached = self._attachments.functions.get(function.node.path)
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
            accepts_new_store=self._accept_new_store,
            granted=frozenset(self._granted),
            asked=frozenset(self._asked_namespaces),
            attached=tuple(self._attachments.functions.values()),
            tree=tree,
        )
