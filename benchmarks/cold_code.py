"""What a fresh interpreter runs in a cold start: by store and column, and the first call."""

from __future__ import annotations

from typing import Final

BARE: Final = "bare"
"""The interpreter alone, which all others are less."""

DYNAMODB: Final = {
    BARE: "",
    "ours": """
from lambda_idempotency import DynamoDBStore, idempotent
@idempotent(store=DynamoDBStore("bench"), namespace="bench")
def handler(event, context): return {"charged": 39.98}
""",
    "powertools": """
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer, IdempotencyConfig, idempotent)
@idempotent(persistence_store=DynamoDBPersistenceLayer("bench"), config=IdempotencyConfig())
def handler(event, context): return {"charged": 39.98}
""",
    "boto3": """
import json, boto3
from hashlib import sha256
client = boto3.client("dynamodb")
def handler(event, context):
    key = sha256(json.dumps(event).encode()).hexdigest()
    for status in "INPROGRESS", "COMPLETED":
        client.put_item(TableName="bench", Item={"id": {"S": key}, "status": {"S": status}})
""",
    "floor": """
import json
from hashlib import sha256
from floor import Floor
def handler(event, context):
    key = sha256(json.dumps(event).encode()).hexdigest()
    client = Floor()
    for status in "INPROGRESS", "COMPLETED":
        item = {"id": {"S": key}, "status": {"S": status}}
        client.call("DynamoDB_20120810.PutItem", {"TableName": "bench", "Item": item})
""",
}

_OURS_ON_A_CLIENT: Final = """
import redis
from lambda_idempotency import RedisStore, idempotent
@idempotent(store=RedisStore(redis.Redis(**login)), namespace="bench")
def handler(event, context): return {"charged": 39.98}
"""
_OURS_ATTACHED: Final = """
from lambda_idempotency import idempotent
@idempotent
def handler(event, context): return {"charged": 39.98}
"""
_REDIS_PEERS: Final = {
    "powertools": """
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent
from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer
@idempotent(persistence_store=CachePersistenceLayer(**login), config=IdempotencyConfig())
def handler(event, context): return {"charged": 39.98}
""",
    "redis-py": """
import redis
from floor_redis import by_hand
handler = by_hand(redis.Redis(**login), lambda event, context: {"charged": 39.98})
""",
    "floor": """
from floor_redis import RedisFloor, by_hand
handler = by_hand(RedisFloor(**login), lambda event, context: {"charged": 39.98})
""",
}
_TOLD: Final = """
import json, os
login = json.loads(os.environ["BENCH_REDIS"])
"""
_READ: Final = """
found, secret = json.loads(found["Parameter"]["Value"]), json.loads(secret["SecretString"])
login = {"host": found["host"], "port": found["port"], "ssl": found.get("tls", True), **secret}
"""
_READ_WITH_BOTO3: Final = f"""
import json, os, boto3
found = boto3.client("ssm").get_parameter(Name=os.environ["BENCH_PARAMETER"])
secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["BENCH_SECRET"])
{_READ}"""
_READ_BY_HAND: Final = f"""
import json, os
from floor import Floor
found = Floor("ssm").call("AmazonSSM.GetParameter", {{"Name": os.environ["BENCH_PARAMETER"]}})
secret = Floor("secretsmanager").call(
    "secretsmanager.GetSecretValue", {{"SecretId": os.environ["BENCH_SECRET"]}})
{_READ}"""

REDIS_TOLD: Final = {
    BARE: "",
    "ours": _TOLD + _OURS_ON_A_CLIENT,
    **{name: _TOLD + code for name, code in _REDIS_PEERS.items()},
}
"""The function's environment says where the server is, and the password."""

REDIS_ATTACHED: Final = {
    BARE: "",
    "ours": _OURS_ATTACHED,
    **{
        name: (_READ_BY_HAND if name == "floor" else _READ_WITH_BOTO3) + code
        for name, code in _REDIS_PEERS.items()
    },
}
"""The address is in a parameter and the password in a secret. Ours looks both up itself; the others
have code for it, with boto3, and the floor by hand."""

CALL: Final = """
import os
handler({"id": os.urandom(8).hex()}, type("Context", (), {
    "function_name": "bench", "invoked_function_arn": "arn",
    "get_remaining_time_in_millis": lambda _: 30_000})())
"""
