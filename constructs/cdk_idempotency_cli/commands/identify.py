"""`id`: from a request to its record's id."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from lambda_idempotency.contract.http import DEFAULT
from lambda_idempotency.contract.settings import Settings

from .. import events
from ..console import json_option, write_json
from ..deployment import NAMESPACE, AttachedFunction
from ..identity import ids_of
from ..place import Place, place_options


def _json(text: str) -> Any:
    """Return the value of a JSON text."""
    try:
        return json.loads(text)
    except ValueError:
        raise click.BadParameter("it is not JSON") from None


@click.command("id")
@click.option("--key", metavar="TEXT", help="The key, as the function's key expression finds it.")
@click.option("--key-json", type=_json, metavar="JSON", help="A key that is not a text.")
@click.option("--event", type=click.File("r"), help="A file with the event; - for stdin.")
@click.option("--http", "route", metavar="ROUTE", help="An HTTP request: 'POST /orders/{id}'.")
@click.option("--path", help="The path of the request, as the event has it, if not the route's.")
@click.option("--host", default="", help="The domain that was called.")
@click.option("--api", type=click.Choice(["http", "rest", "url"]), default="http")
@click.option("--api-stage", default="$default", help="The API's stage. Default: $default.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'")
@click.option("--body", help="The body of the request.")
@click.option("--jwt", nargs=2, metavar="ISSUER SUBJECT", help="The caller, by a JWT.")
@click.option("--iam", metavar="USERID", help="The caller, by IAM.")
@click.option("--queue", metavar="ARN", help="The SQS queue of a message that has the key.")
@click.option("--tenant", help="The tenant of a function with tenant isolation.")
@click.option(
    "--code",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the function's code: its own handler is asked.",
)
@click.option("--handler", metavar="MODULE.NAME", help="The handler. Default: the deployed one.")
@click.option(
    "--arguments",
    type=_json,
    metavar="JSON",
    help="The arguments of an @idempotent_function, by name. Needs --code.",
)
@click.option("--namespace", help="The namespace, in place of a deployed function's.")
@click.option("--key-expression", metavar="JMESPATH", help="The key that the code names.")
@click.option("--name", help="The name that the code gives the operation.")
@json_option
@place_options
def identify(
    *,
    place: Place,
    key: str | None,
    key_json: Any,
    event: Any,
    route: str | None,
    queue: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Print the id of the record that a request has.

    The request is a --key, an --event, or an --http route with its parts. Nothing is run or stored.
    """
    named = given["namespace"] is None or place.function is not None
    function = place.attached() if named and place.stack is not None else None
    variables = _variables(function, given["namespace"])
    expression = given["key_expression"] or variables.get("IDEMPOTENCY_KEY")
    if key is not None:
        key_json = key
    if event is not None:
        request = json.load(event)
    elif route is not None:
        request = _http(route, given, variables, key).event()
    elif queue is not None:
        request = events.of_message(queue, expression, key_json)
    elif key_json is not None:
        request = events.of_key(expression, key_json)
    elif given["arguments"] is not None:
        request = None
    else:
        raise click.UsageError("Say which request: --key, --event or --http")
    options = {"key": given["key_expression"], "name": given["name"]}
    ids = ids_of(
        request,
        variables=variables,
        handler=given["handler"] or ("handler" if function is None else function.handler),
        code=given["code"],
        arguments=given["arguments"],
        tenant=given["tenant"],
        options={name: value for name, value in options.items() if value is not None},
    )
    for each in ids:
        if as_json:
            write_json({"id": each})
        else:
            click.echo(each)


def _variables(function: AttachedFunction | None, namespace: str | None) -> dict[str, str]:
    """Return the environment: the deployed function's, or this one's."""
    found = dict(os.environ if function is None else function.variables)
    if namespace is not None:
        found[NAMESPACE] = namespace
    if NAMESPACE not in found:
        raise click.UsageError("Say whose record it is: --stack and --function, or --namespace")
    return found


def _http(
    route: str, given: dict[str, Any], variables: dict[str, str], key: str | None
) -> events.Http:
    headers: tuple[str, ...] = given["headers"]
    if key is not None:
        http = Settings.from_environment(variables).http or DEFAULT
        headers = (*headers, f"{http.header}: {key}")
    return events.Http(
        route=route,
        host=given["host"],
        api=given["api"],
        path=given["path"],
        stage=given["api_stage"],
        headers=headers,
        body=given["body"],
        jwt=given["jwt"],
        iam=given["iam"],
    )
