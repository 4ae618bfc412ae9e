"""The command `cdk-idempotency`: its options, its commands, and how its errors end."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from lambda_idempotency.errors import IdempotencyError

from .aws import Aws
from .commands.doctor import doctor
from .commands.identify import identify
from .commands.listing import listing
from .commands.park import park
from .commands.purge import purge
from .commands.release import release
from .commands.rotate import rotate
from .commands.show import show
from .commands.watch import watch
from .errors import FailedError


class _Group(click.Group):
    """Commands whose errors end in a line and an exit code, never in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Raises `FailedError` in place of what AWS and the store raise."""
        try:
            return super().invoke(ctx)
        except ClientError as error:
            said = error.response["Error"]
            raise FailedError(
                f"AWS refused {error.operation_name}: {said['Code']}: {said.get('Message', '')}"
            ) from None
        except (BotoCoreError, IdempotencyError) as error:
            raise FailedError(str(error)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("cdk-idempotency"), prog_name="cdk-idempotency")
@click.option("--profile", metavar="NAME", help="A profile of the AWS CLI.")
@click.option("--region", metavar="NAME", help="The AWS region. Default: that of the profile.")
@click.pass_context
def cli(context: click.Context, profile: str | None, region: str | None) -> None:
    """Find, watch and repair idempotency records.

    Exit codes: 0 done, 1 failed, 2 wrong command line, 3 not there, 4 refused, 5 unhealthy.
    """
    if context.resilient_parsing:
        return
    context.obj = Aws(profile=profile, region=region)
    context.call_on_close(context.obj.close)


for command in (identify, show, watch, listing, release, park, purge, doctor, rotate):
    cli.add_command(command)
