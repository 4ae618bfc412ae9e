"""Functions that encrypt what they keep, under one KMS key."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

from aws_cdk import CfnOutput, RemovalPolicy, Size, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from cdk_idempotency import Idempotency, IdempotencyStore


def add_private(
    stack: Stack,
    store: IdempotencyStore,
    function: Callable[[str, str, lambda_.Code], lambda_.Function],
) -> None:
    """Add `Private` and `Stranger`, which share table, bucket and key."""
    key = kms.Key(stack, "Answers", removal_policy=RemovalPolicy.DESTROY)
    bucket = s3.Bucket(stack, "Responses", removal_policy=RemovalPolicy.DESTROY)
    idempotency = Idempotency(
        stack,
        "Idempotency",
        store=store,
        response_key=key,
        large_responses=bucket,
        large_response_size=Size.kibibytes(4),
        key="id",
    )
    with tempfile.TemporaryDirectory() as directory:
        code = lambda_.Code.from_asset(_with_library(Path(directory)))
        for name, handler in (("Private", "handler"), ("Stranger", "decrypt")):
            idempotency.attach(function(name, f"private.{handler}", code))
    CfnOutput(stack, "PrivateResponsesName", value=bucket.bucket_name)
    CfnOutput(stack, "AnswersArn", value=key.key_arn)


def _with_library(directory: Path) -> str:
    """Copy the functions' code, and the library as a function ships it."""
    shutil.copytree(Path(__file__).parent / "functions", directory, dirs_exist_ok=True)
    for name, top in (("cryptography", "cryptography"), ("cffi", "_cffi_backend")):
        installed = distribution(name)
        for file in installed.files or ():
            if file.parts[0].startswith(top) and file.suffix in (".py", ".so"):
                (directory / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(installed.locate_file(file)), directory / file)
    return str(directory)
