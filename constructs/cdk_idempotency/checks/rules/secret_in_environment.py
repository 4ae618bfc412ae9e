"""Secrets in a function's environment.

Fires when: An environment variable has the name of a secret (`DB_PASSWORD`, `API_KEY`), a value in
the shape of one (an access key, a private key, `redis://user:password@host`), or a secret that
CloudFormation puts there in clear (`{{resolve:secretsmanager:...}}`,
`secret_value.unsafe_unwrap()`).
What to do: Pass the secret's name, grant `secret.grant_read(function)`, and read it in the code.

Environment variables are in clear in the template, and for everyone who may read the function's
configuration. Dynamic references of CloudFormation to a secret end up there too: the deployment
resolves them
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html). No message
contains the value itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ..model.deployment import Deployment
from ..rule import Violation, warning

SHAPES: Final = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a URL with a password": r"\b[a-z][a-z0-9+.-]*://[^\s/?#:@]*:[^\s/?#@${<*]+@",
    "a token of GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})",
    "a token of Slack": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a key of Stripe": r"\b(?:[rs]k_live_|whsec_)[A-Za-z0-9]{16,}",
    "a reference to a secret": r"\{\{resolve:(?:secretsmanager|ssm-secure):",
}
"""Shapes of secrets, wherever they are in a value."""

_ANY_SHAPE: Final = re.compile("|".join(SHAPES.values()))

NAMES: Final = (
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|(?:ACCESS|PRIVATE|SECRET)_KEY)$"
)
"""Ends of the names of variables with secrets. A further ending, such as `_ARN`, `_NAME` or `_URL`,
names something about a secret instead."""

HARMLESS: Final = (
    r"|arn:.*"
    r"|[a-z][a-z0-9+.-]*://.*"
    r"|(?:/[A-Za-z0-9_.-]+)+"
    r"|[a-z0-9_.-]+(?:/[a-z0-9_.-]+)+"
    r"|\d{1,4}"
    r"|(?i:true|false|on|off|yes|no|none|null|enabled|disabled|required|optional)"
)
"""Values that are not secrets, whatever the name: nothing, the ARN, URL or path of something, a
small number, a switch."""


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    # One violation per function; a value that only the deployment knows is none.
    for attached in deployment.attached:
        found = [
            f"{name} ({what})"
            for name, value in deployment.environment(attached).items()
            if (what := _secret(name, value)) is not None
        ]
        if found:
            yield Violation(
                attached.function,
                f"Its environment seems to hold secrets: {', '.join(found)}. They are in clear in "
                "the template or in the function's configuration. Keep them in Secrets Manager, "
                "pass the secret's name, and grant the function to read it.",
            )


def _secret(name: str, value: Any) -> str | None:
    """Return the reason why a variable looks like a secret; None if it does not."""
    texts = list(_texts(value))
    if any(_ANY_SHAPE.search(text) for text in texts):
        return next(
            what for what, shape in SHAPES.items() if any(re.search(shape, text) for text in texts)
        )
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
    known = isinstance(value, str) and not re.fullmatch(HARMLESS, value.strip())
    return "by its name" if known and re.search(NAMES, words) else None


def _texts(value: Any) -> Iterator[str]:
    """Yield the strings in a resolved value, such as the known parts of a join."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
