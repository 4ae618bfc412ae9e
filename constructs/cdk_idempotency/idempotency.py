"""The construct: a store, and functions attached to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct, IConstruct

from .checks.model.deployment import Attached, Deployment
from .checks.model.tree import Tree
from .checks.validation import Guard
from .errors import refusal
from .functions.attachable import check_attachable, checked_namespace, lease_of, namespace_of
from .functions.layer import layer_in
from .functions.wrapping import check_not_shadowed, own_handler, redirect
from .monitoring.base import StoreMonitoring
from .monitoring.metrics import Monitored
from .options import Behaviour, check_props, settings_of
from .stores.factory import IdempotencyStore
from .stores.large_responses import LargeResponses

if TYPE_CHECKING:
    from aws_cdk import aws_apigateway as apigateway
    from aws_cdk import aws_apigatewayv2 as apigatewayv2
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_elasticache as elasticache
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_secretsmanager as secretsmanager

_MARK = "cdk-idempotency:attached"


class Idempotency(Monitored):
    """Provisions a store for idempotency records and attaches Python functions to it.

    `store` defaults to `IdempotencyStore.dynamodb()`. `large_responses` is a bucket, in the region
    of the functions, for responses above `large_response_size`; default: none, and what a record
    cannot hold its duplicates do not get. The other props are those of `Behaviour` and hold for
    every attached function. Raises ValueError naming this construct and the prop.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the field's name for it
        *,
        store: IdempotencyStore | None = None,
        large_responses: s3.IBucket | None = None,
        **behaviour: Unpack[Behaviour],
    ) -> None:
        super().__init__(scope, id)
        self._behaviour: dict[str, Any] = dict(behaviour)
        check_props(self, self._behaviour)
        self._store = (IdempotencyStore.dynamodb() if store is None else store).bind(self)
        self._large_responses = None if large_responses is None else LargeResponses(large_responses)
        self._namespaces: dict[str, str] = {}
        self._attached: dict[str, Attached] = {}
        self._status_routes: dict[tuple[str, str], str] = {}
        Guard.of(self).watch(self._deployment)

    @property
    def namespaces(self) -> dict[str, str]:
        """The namespace of each attached function, by its construct path."""
        return {path: namespace for namespace, path in self._namespaces.items()}

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
        **behaviour: Unpack[Behaviour],
    ) -> None:
        """Gives a Python function the layer, its settings, and the rights on its own records.

        `namespace` separates its records from other functions' (1 to 128 of A-Z a-z 0-9 . _ / -).
        Default: the function's construct path relative to its stack. Changing it, also by moving
        the function in the construct tree, forgets the records: pin it before you refactor.
        `wrap_handler` makes the function's handler idempotent without a change to its code: Lambda
        calls the layer's handler, which calls the function's own. Default: the code decorates it.
        The other props override this construct's for this function.

        Raises ValueError naming the function for an imported function, alias, version or container
        image, a runtime without support, a second attach, a namespace that is taken, a file in the
        function's code that hides the layer's package and a function outside the store's VPC.
        """
        attached = check_attachable(function)
        self._check_first(attached)
        check_not_shadowed(attached)
        self._store.connect(attached)
        if namespace is None:
            namespace = namespace_of(attached)
        self._take(checked_namespace(attached, namespace), attached)
        props = {**self._behaviour, **behaviour}
        contract: dict[str, Any] = {**self._store.settings(), "namespace": namespace}
        if "lease" not in props:
            contract["lease"] = lease_of(attached)
        if wrap_handler:
            contract["handler"] = own_handler(attached)
        if self._large_responses is not None:
            contract.update(self._large_responses.settings())
        elif "large_response_size" in props:
            raise refusal(attached, "large_response_size is for a bucket; pass large_responses=...")
        settings = settings_of(attached, props, **contract)
        if wrap_handler:
            redirect(attached)
        self._attached[attached.node.path] = Attached(function=attached, settings=settings)
        attached.node.add_metadata(_MARK, self.node.path)
        attached.add_layers(layer_in(Stack.of(attached), self._store.libraries))
        for variable, value in settings.to_environment().items():
            attached.add_environment(variable, value)
        self._store.grant(attached, namespace)
        if self._large_responses is not None:
            self._large_responses.attach(attached, namespace, expires_after=settings.expires_after)

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
        """Adds `GET {status_path}/{token}` to an API: the attached function itself answers it.

        `function` is the attached function, or an alias of it. `authorizer` is that of the route
        whose requests are asked about: a caller sees his own requests, and without an authorizer
        only their state. For a REST API it may be an AuthorizationType; `api_key_required` is as
        the route has it. Default: the API's defaults.

        Raises ValueError for a function that is not attached here, or has no status path.
        """
        from .functions.status_route import (
            add_route,  # the API modules are large, and few apps need both
        )

        attached = function.lambda_ if isinstance(function, lambda_.Alias) else function
        known = self._attached.get(attached.node.path)
        if known is None:
            raise refusal(self, f"{attached.node.path} is not attached here; attach it first")
        http = known.settings.http
        path = None if http is None else http.status_route
        if path is None:
            raise refusal(
                self,
                f"{attached.node.path} has no status path; attach it with http=HttpProfile."
                "accepted(), or give another profile status_path='/idempotency'",
            )
        taken = self._status_routes.setdefault((api.node.path, path), attached.node.path)
        if taken != attached.node.path:
            raise refusal(
                self,
                f"{path} of {api.node.path} tells the state of {taken}'s requests; give "
                f"{attached.node.path} a status_path of its own",
            )
        add_route(
            self,
            api,
            path,
            function,
            authorizer=authorizer,
            api_key_required=api_key_required,
        )

    def grant_use(self, grantee: iam.IGrantable, *, namespace: str | None = None) -> iam.Grant:
        """Lets somebody else use the store: a worker without the layer, or an operator.

        `namespace` restricts the grant to one function's records; None grants all of them. IAM
        cannot fence Redis: there all grantees are one Redis user, and a namespace is added to those
        that the user of `elasticache_serverless` may use. The grant opens no way into a VPC.
        """
        if namespace is not None:
            checked_namespace(self, namespace)
        grant = self._store.grant(grantee, namespace)
        if self._large_responses is None:
            return grant
        return grant.combine(self._large_responses.grant(grantee, namespace))

    def _monitoring(self) -> StoreMonitoring:
        return self._store.monitoring()

    def _deployment(self, tree: Tree) -> Deployment:
        more = () if self._large_responses is None else ("s3",)
        return Deployment(
            construct=self,
            store=self._store,
            services=(*self._store.services, *more),
            attached=tuple(self._attached.values()),
            tree=tree,
        )

    def _check_first(self, function: lambda_.Function) -> None:
        for entry in function.node.metadata:
            if entry.type == _MARK:
                raise refusal(function, f"it is attached to {entry.data} already; attach it once")

    def _take(self, namespace: str, function: IConstruct) -> None:
        taken = self._namespaces.setdefault(namespace, function.node.path)
        if taken != function.node.path:
            raise refusal(
                function,
                f"namespace {namespace!r} belongs to {taken}, and two functions must not share "
                "records; pass another namespace=... to attach()",
            )
