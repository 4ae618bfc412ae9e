"""Where the records are: the options that say it, and the store that they mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from lambda_idempotency.contract.settings import Settings

from .aws import Aws
from .deployment import AttachedFunction, Deployment
from .errors import NotThereError
from .records.base import Records

Command = TypeVar("Command", bound=Callable[..., object])


class Place(NamedTuple):
    """The place of records, as the command line names it."""

    aws: Aws
    stack: Deployment | None
    function: str | None
    table: str | None
    parameter: str | None
    redis_secret: str | None

    def deployment(self) -> Deployment:
        """Return the stack. Raises `UsageError` if none is named."""
        if self.stack is None:
            raise click.UsageError("Say which stack: --stack NAME")
        return self.stack

    def attached(self) -> AttachedFunction:
        """Return the function that is meant: the stack's only one, if it is not named."""
        deployment = self.deployment()
        if self.function is not None:
            return deployment.function(self.function)
        if len(deployment.functions) == 1:
            return deployment.functions[0]
        paths = ", ".join(sorted(each.resource.path for each in deployment.functions))
        raise click.UsageError(f"Say which function of {deployment}: --function one of {paths}")

    def records(self, key: str | None = None) -> Records:
        """Return the store of a record, or the only one that is meant."""
        named = [each for each in (self.stack, self.table, self.parameter) if each is not None]
        if len(named) != 1:
            raise click.UsageError("Say where the records are: --stack, --table or --parameter")
        if self.table is not None:
            return _dynamodb(self.aws, self.table)
        if self.parameter is not None:
            return _redis(self, self.parameter)
        settings = self._settings(key)
        if settings.store == "dynamodb" and settings.table is not None:
            return _dynamodb(self.aws, settings.table)
        if settings.store == "redis" and settings.parameter is not None:
            return _redis(self, settings.parameter)
        raise NotThereError(f"The function's environment names no store: it is {settings.store}")

    def settings(self, key: str) -> Settings | None:
        """Return the settings of the function whose record this is; None where no stack is named,
        or none of its functions has this namespace."""
        if self.stack is None:
            return None
        namespace = key.rpartition("#")[0]
        own = (each for each in self.stack.functions if each.namespace == namespace)
        return next((each.settings for each in own), None)

    def _settings(self, key: str | None) -> Settings:
        """Return the settings of the function whose record this is. If the namespace is none of the
        stack's, those of the stack's only store."""
        if self.function is not None:
            return self.attached().settings
        if key is not None and (own := self.settings(key)) is not None:
            return own
        deployment = self.deployment()
        functions = deployment.functions
        stores = {(each.settings.table, each.settings.parameter): each for each in functions}
        if len(stores) == 1:
            return functions[0].settings
        if key is None:
            raise click.UsageError(
                f"{deployment} has {len(stores)} stores; say whose: --function PATH"
            )
        raise NotThereError(
            f"No function of {deployment} has this record's namespace; say where it is: "
            "--function, --table or --parameter"
        )


def _dynamodb(aws: Aws, table: str) -> Records:
    from .records.dynamodb import DynamoDBRecords

    return DynamoDBRecords(aws.client("dynamodb"), table)


def _redis(place: Place, parameter: str) -> Records:
    from .records.redis import Access, RedisRecords

    records = RedisRecords(Access(place.aws, parameter, place.redis_secret))
    click.get_current_context().call_on_close(records.close)
    return records


_OPTIONS = (
    click.option(
        "--redis-secret",
        metavar="SECRET",
        help="The secret of another Redis user than the functions' own.",
    ),
    click.option("--parameter", metavar="NAME", help="The SSM parameter of the Redis server."),
    click.option("--table", metavar="NAME", help="The DynamoDB table."),
    click.option(
        "--function",
        metavar="PATH",
        help="An attached function: its construct path, name, logical id or namespace.",
    ),
    click.option(
        "--stack",
        metavar="NAME",
        envvar="CDK_IDEMPOTENCY_STACK",
        help="The CloudFormation stack of the function.",
    ),
)


def place_options(command: Command) -> Command:
    """Add the options that say where the records are; the command gets a `Place`."""

    @wraps(command)
    def placed(**given: Any) -> object:
        context = click.get_current_context()
        aws, stack = context.obj, given.pop("stack")
        named = {name: given.pop(name) for name in Place._fields[2:]}
        source = context.get_parameter_source("stack")
        if source is ParameterSource.ENVIRONMENT and (named["table"] or named["parameter"]):
            stack = None  # the variable stands in where no place is named
        place = Place(aws, None if stack is None else Deployment(aws, stack), **named)
        return command(place=place, **given)

    for option in _OPTIONS:
        placed = option(placed)
    return placed  # type: ignore[return-value]
