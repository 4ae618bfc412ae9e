"""The servers of a run, and the environments that lead to them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cold_start import Ground
from benchmarks.redis_place import RedisPlace
from benchmarks.subjects import environment
from benchmarks.tls import bundle, certificate
from benchmarks.trees import trees
from benchmarks.workers import Stub
from kit.redis.servers import RedisServer


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The stub and Redis, each with the ground that its subjects start on."""

    stub: Stub
    place: RedisPlace
    dynamodb: Ground
    redis: Ground


def running(stack: ExitStack, directory: Path) -> Servers:
    """Servers that end with `stack`, and the packages in a directory."""
    compiled, bare = trees(directory)
    stub = stack.enter_context(Stub())
    place = RedisPlace(stack.enter_context(RedisServer(tls=True)))
    aws = environment(stub.endpoint)
    tls = _over_tls(stack, place, compiled, directory)
    return Servers(
        stub=stub,
        place=place,
        dynamodb=Ground(compiled=compiled, bare=bare, plain=aws, tls=tls and tls[0]),
        redis=Ground(
            compiled=compiled,
            bare=bare,
            plain={**aws, **place.variables(stub)},
            tls=tls and tls[1],
        ),
    )


def _over_tls(
    stack: ExitStack, place: RedisPlace, packages: Path, directory: Path
) -> tuple[dict[str, str], dict[str, str]] | None:
    """The environments for DynamoDB and for Redis; None where no certificate can be made."""
    pem = certificate(directory)
    if pem is None:
        return None
    stub = stack.enter_context(Stub(certificate=pem))
    assert place.server.ca is not None
    trusted = bundle(packages, pem, place.server.ca)
    aws = {**environment(stub.endpoint), "AWS_CA_BUNDLE": str(trusted)}
    # Redis' clients have the system's authorities, and this variable says which those are.
    return aws, {**aws, "SSL_CERT_FILE": str(trusted), **place.variables(stub, tls=True)}
