"""The names and the key in a certificate, and texts that are none."""

from __future__ import annotations

import base64
from ipaddress import IPv4Address
from typing import Final

import pytest
from cryptography import x509 as reference
from hypothesis import given
from hypothesis import strategies as st

from kit.certificates import certificate
from kit.strategies import thorough
from lambda_idempotency.identity.x509 import Read, read

MAIL: Final = reference.RFC822Name("alice@example.com")
HOST: Final = reference.DNSName("alice.example")
ADDRESS: Final = reference.IPAddress(IPv4Address("192.0.2.1"))
WORKLOAD: Final = reference.UniformResourceIdentifier("spiffe://example/alice")
LONG: Final = reference.DNSName(".".join(["a" * 60] * 4))
NAMES: Final = (MAIL, HOST, ADDRESS, WORKLOAD, LONG)


@given(st.lists(st.sampled_from(NAMES), unique=True), st.lists(st.sampled_from(NAMES), unique=True))
def test_two_certificates_have_the_same_names_only_where_they_have(
    one: list[reference.GeneralName], other: list[reference.GeneralName]
) -> None:
    same = read(certificate(*one)).names == read(certificate(*other)).names
    assert same == ({*one} == {*other})
    assert len(read(certificate(*one)).names) == len(one)


def test_a_name_of_another_kind_is_another_name() -> None:
    as_host = certificate(reference.DNSName("alice@example.com"))
    assert read(as_host).names != read(certificate(MAIL)).names


def test_the_key_is_what_a_certificate_has_whoever_signs_it() -> None:
    one, renewed = certificate(MAIL), certificate(HOST, subject="CN=alice")
    assert read(one).public_key == read(renewed).public_key
    assert read(one).public_key != read(certificate(MAIL, key="two")).public_key


def test_the_first_certificate_of_a_chain_is_read() -> None:
    assert read(certificate(MAIL) + certificate(HOST)) == read(certificate(MAIL))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMIAA\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nüü\n-----END CERTIFICATE-----",
    ],
)
def test_a_text_that_is_no_certificate_says_nothing(text: str) -> None:
    assert read(text) == Read()


DER: Final = base64.b64decode("".join(certificate(MAIL, WORKLOAD).splitlines()[1:-1]))


@thorough
@given(st.integers(0, len(DER)), st.integers(0, len(DER)), st.binary(max_size=3))
def test_a_broken_certificate_is_read_or_says_nothing(start: int, end: int, put: bytes) -> None:
    broken = base64.b64encode(DER[:start] + put + DER[end:]).decode()
    found = read(f"-----BEGIN CERTIFICATE-----\n{broken}\n-----END CERTIFICATE-----")
    assert isinstance(found, Read)
