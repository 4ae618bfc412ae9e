"""The code of functions for cold starts, by column."""

from __future__ import annotations

from typing import Final

_OURS: Final = """
@idempotent(store=store, namespace="bench")
def handler(event, context): return {"charged": 39.98}
"""
_POWERTOOLS: Final = """
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent
@idempotent(persistence_store=layer, config=IdempotencyConfig())
def handler(event, context): return {"charged": 39.98}
"""
_CACHE_LAYER: Final = """
from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer
"""
_BY_HAND: Final = """
from floor import redis_by_hand
handler = redis_by_hand(client, lambda event, context: {"charged": 39.98})
"""
_FLOOR: Final = """
from floor import RedisFloor
client = RedisFloor(**login)
"""

DYNAMODB: Final = {
    "ours": f"""
from lambda_idempotency import DynamoDBStore, idempotent
store = DynamoDBStore("bench")
{_OURS}""",
    "powertools": f"""
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
layer = DynamoDBPersistenceLayer("bench")
{_POWERTOOLS}""",
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

_NAMES_AT_HOME: Final = """
import os, socket
_look_up = socket.getaddrinfo
def _at_home(host, port, *args, flags=0, **kwargs):
    if flags & socket.AI_NUMERICHOST:
        raise socket.gaierror("a name")
    return _look_up("127.0.0.1", int(os.environ["BENCH_PORT"]), *args, flags=flags, **kwargs)
socket.getaddrinfo = _at_home
"""
_WHOLE_BUNDLE: Final = 'os.environ["AWS_CA_BUNDLE"] = os.environ["BENCH_BUNDLE"]\n'
_ONE_OF_AMAZON: Final = """
import json
from lambda_idempotency.clients.aws import roots
root = json.loads(os.environ["BENCH_ROOT"])
roots.ROOTS = (*roots.ROOTS[:-1], roots.Root(
    name="", key="", fingerprint=root["fingerprint"], begins=root["begins"].encode()))
"""
OVER_TLS: Final = {
    name: _NAMES_AT_HOME + {"ours": _ONE_OF_AMAZON, "floor": ""}.get(name, _WHOLE_BUNDLE) + code
    for name, code in DYNAMODB.items()
}
"""The same at AWS's own host name, which is looked up as loopback.

The certificate there is a test CA's, which stands in the bundle among the real roots, and in ours
also in the place of one of Amazon's five."""
OVER_TLS_BUNDLE: Final = {
    name: _NAMES_AT_HOME + _WHOLE_BUNDLE + code for name, code in DYNAMODB.items()
}

_LOGIN: Final = """
import json, os
login, url = json.loads(os.environ["BENCH_REDIS"]), os.environ["BENCH_URL"]
"""
_REDIS_PEERS: Final = {
    "powertools": f"{_CACHE_LAYER}layer = CachePersistenceLayer(**login)\n{_POWERTOOLS}",
    "floor": f"{_FLOOR}{_BY_HAND}",
}
REDIS_TOLD: Final = {
    "ours": f"""{_LOGIN}
from lambda_idempotency import RedisStore, idempotent
store = RedisStore(url)
{_OURS}""",
    **{name: _LOGIN + code for name, code in _REDIS_PEERS.items()},
    "idemkit": f"""{_LOGIN}
import logging
logging.getLogger("idemkit").setLevel(logging.ERROR)
from idemkit import MethodConfig, RedisBackend, idempotent_sync
backend = RedisBackend.from_url(url)
@idempotent_sync(backend=backend, config=MethodConfig(key_fields=["event"]))
def once(*, event): return {{"charged": 39.98}}
def handler(event, context): return once(event=event)
""",
    "redis-py": f"{_LOGIN}import redis\nclient = redis.Redis(**login)\n{_BY_HAND}",
}
"""The code with the server's address and password in the function's environment."""

REDIS_BROUGHT: Final = {
    "ours": f"""{_LOGIN}
import redis
from lambda_idempotency import RedisStore, idempotent
store = RedisStore(redis.Redis(**login))
{_OURS}""",
    "powertools": f"""{_LOGIN}
import redis
{_CACHE_LAYER}
layer = CachePersistenceLayer(client=redis.Redis(**login))
{_POWERTOOLS}""",
}

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
REDIS_LOOKED_UP: Final = {
    "ours": """
from lambda_idempotency import idempotent
@idempotent
def handler(event, context): return {"charged": 39.98}
""",
    "powertools": _READ_WITH_BOTO3 + _REDIS_PEERS["powertools"],
    "floor": _READ_BY_HAND + _REDIS_PEERS["floor"],
}
"""The code with the address in a parameter and the password in a secret."""

CALL: Final = """
import os
handler({"id": os.urandom(8).hex()}, type("Context", (), {
    "function_name": "bench", "aws_request_id": "id",
    "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:bench",
    "get_remaining_time_in_millis": lambda _: 30_000})())
"""
"""The first call, which ends the code."""

PEAK: Final = """
with open("/proc/self/status") as status:
    os.write(1, next(line for line in status if line.startswith("VmHWM")).split()[1].encode())
"""
"""Prints the peak of resident memory in KiB, after a call."""

ROOTS: Final = """
import gc, ssl
contexts = [each for each in gc.get_objects() if isinstance(each, ssl.SSLContext)]
os.write(1, str(sum(each.cert_store_stats()["x509"] for each in contexts)).encode())
"""
"""Prints how many roots the TLS contexts of the process have loaded, after a call."""
