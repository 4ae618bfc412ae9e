"""A request's id is the same in every version of this library and of Python: records outlive both.

A change to one of these texts makes every deployment forget its open records.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, Flag
from hashlib import sha256
from typing import Any, Final, NamedTuple

import pytest

from lambda_idempotency.identity.canonical import canonical, parse
from lambda_idempotency.identity.keys import Identity, KeyRule, Selector
from lambda_idempotency.identity.scope import Scope

EVENT: Final = """{"id": {"b": [1.50, 2e22, true, null, "ü\\u0000"], "a": {"z": 0, "y": -0.0}},
 "amount": 12}"""
CANONICAL: Final = '{"a":{"y":0,"z":0},"b":[1.5,20000000000000000000000,true,null,"ü\\u0000"]}'
ID: Final = "shop#b451dd1105f970f92261c579bc35c6c96667690e5d103ece7ca2e07692eeff3a"
FINGERPRINT: Final = "77d9c49b034d77e32b2098277d7b5687b7eba5cd2c9b713eba14c723e7fcc122"
SCOPE: Final = Scope("t", ("domain", "d"), (("jwt", "i", "s"),), ["POST", "", "/a", {}])
CANONICAL_SCOPE: Final = '["t",["domain","d"],[["jwt","i","s"]],["POST","","/a",{}],""]'

PROGRAM: Final = f"""
from lambda_idempotency.identity.canonical import parse
from lambda_idempotency.identity.keys import KeyRule, Selector
from lambda_idempotency.identity.scope import Scope
key, fingerprint = Selector("key", "id"), Selector("fingerprint", "amount")
rule = KeyRule(namespace="shop", operation="charge", key=key, fingerprint=fingerprint)
found = rule.identify(parse({EVENT!r}), scope={SCOPE!r})
print(found.key, found.fingerprint)
"""


def test_the_id_is_what_it_was() -> None:
    rule = KeyRule(
        namespace="shop",
        operation="charge",
        key=Selector("key", "id"),
        fingerprint=Selector("fingerprint", "amount"),
    )
    found = rule.identify(parse(EVENT), scope=SCOPE)
    assert found == Identity(ID, FINGERPRINT)


def test_the_id_is_the_digest_of_its_parts() -> None:
    parts = ("1", "charge", CANONICAL_SCOPE, CANONICAL)
    measured = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
    assert f"shop#{sha256(measured).hexdigest()}" == ID


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_the_id_does_not_depend_on_pythons_hashes(seed: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.split() == [ID, FINGERPRINT]


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("1.0", "1"),
        ("-0", "0"),
        ("1e3", "1000"),
        ("1E-3", "0.001"),
        ("1e-7", "1e-07"),
        ("0.1", "0.1"),
        ("1e22", "1" + "0" * 22),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0.10000000000000000001", '"\\u000010000000000000000001e-20"'),
        ("1e6000", '"\\u00001e6000"'),
        ('"\\u0000a"', '"\\u0000\\u0000a"'),
        ('"\\u0041\\/\\u00e9"', '"A/é"'),
        ('{"10":1,"9":2,"a":[],"A":{}}', '{"10":1,"9":2,"A":{},"a":[]}'),
        (" [ true , false , null ] ", "[true,false,null]"),
    ],
)
def test_a_canonical_form_is_what_it_was(written: str, form: str) -> None:
    assert canonical(parse(written)) == form.encode()


class Currency(Enum):
    USD = "usd"


class Rights(Flag):
    READ = 1
    WRITE = 2


class Coin(NamedTuple):
    id: int


@dataclass
class Card:
    id: str
    currency: Currency


HERE: Final = f"\0:{__name__}."
USD: Final = [f"{HERE}Currency", "USD"]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (Currency.USD, USD),
        (Rights.READ | Rights.WRITE, [f"{HERE}Rights", 3]),
        (Coin(1), [f"{HERE}Coin", {"id": 1}]),
        (Card("1", Currency.USD), [f"{HERE}Card", {"id": "1", "currency": USD}]),
        ({2, 10, "a"}, ["\0:set", ["a", 10, 2]]),
        (b"a", ["\0:bytes", "YQ=="]),
        (re.compile("a", re.IGNORECASE), ["\0:pattern", ["a", 34]]),
        (ipaddress.ip_interface("10.0.0.1/8"), ["\0:interface", "10.0.0.1/8"]),
        ({Currency.USD: 1, "a": 2}, ["\0:pairs", [["a", 2], [USD, 1]]]),
        (timedelta(days=1, milliseconds=1), "P1DT0.001S"),
    ],
)
def test_a_canonical_form_of_a_python_value_is_what_it_was(value: Any, form: Any) -> None:
    assert json.loads(canonical(value)) == form
