"""The options of HTTP mode pass through an environment variable unchanged, and invalid ones are
named.
"""

from __future__ import annotations

import json
from typing import Any, Final, assert_type

import pytest
from hypothesis import given

from kit.settings import HTTP_ROWS, http_options
from lambda_idempotency import ConfigurationError, HttpOptions
from lambda_idempotency.contract.http import HEADER, OFF, STATUS_PATH, ProfileName, http_option
from lambda_idempotency.contract.settings import Settings

VARIABLE: Final = "IDEMPOTENCY_HTTP"


# Both ways ----------------------------------------------------------------------------------------


@given(http_options())
def test_options_survive_the_variable(written: HttpOptions) -> None:
    assert HttpOptions.from_text(written.to_text()) == written


def test_each_option_is_generated() -> None:
    assert HTTP_ROWS.keys() == HttpOptions.kinds.keys()


def test_http_mode_that_is_off_is_a_word() -> None:
    assert HttpOptions.from_text(OFF) is None


def test_only_http_options_that_differ_from_the_default_are_written() -> None:
    written = Settings(http=HttpOptions(header="Request-Id", required=False))
    assert json.loads(written.to_environment()[VARIABLE]) == {
        "header": "Request-Id",
        "required": False,
    }


def test_an_option_may_be_none_where_that_is_its_default() -> None:
    options = HttpOptions.from_text('{"required":null,"methods":null,"status_path":null}')
    assert options == HttpOptions()


# Senseless options --------------------------------------------------------------------------------

BAD_HTTP: Final[list[tuple[str, Any, str]]] = [
    ("profile", "rest", "expected 'ietf', 'stripe' or 'accepted'"),
    ("profile", None, "expected 'ietf', 'stripe' or 'accepted'"),
    ("header", "", "expected the name of a header"),
    ("header", "Idempotency Key", "expected the name of a header"),
    ("required", "yes", "expected true or false"),
    ("pattern", "[", "expected a regular expression"),
    ("pattern", "", "not empty"),
    ("pattern", 5, "expected a regular expression"),
    ("pattern", "a{99999999999999999999}", "expected a regular expression"),
    ("methods", [], "at least one"),
    ("methods", ["post"], "methods in capitals"),
    ("methods", "POST", "methods in capitals"),
    ("principal_claim", " ", "the name of a claim"),
    ("store_statuses", ["600"], "statuses such as"),
    ("store_statuses", [200], "statuses such as"),
    ("store_statuses", [], "at least one"),
    ("not_replayed", ["a b"], "names of headers"),
    ("replayed", ("a b",), "names of headers"),
    ("api_scope", "region", "expected 'stage', 'domain', 'api' or 'none'"),
    ("cors", ["shop.example"], "origins such as"),
    ("cors", ["https://shop.example/"], "origins such as"),
    ("status_path", "idempotency", "a path such as"),
    ("status_path", "/idempotency/", "a path such as"),
    ("status_path", "/{token}", "a path such as"),
]


@pytest.mark.parametrize(("option", "value", "accepted"), BAD_HTTP)
def test_a_senseless_http_option_is_named_with_its_value_and_what_is_accepted(
    option: str, value: Any, accepted: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({VARIABLE: json.dumps({option: value})})
    message = str(refused.value)
    assert message.startswith(f"Environment variable {VARIABLE}: http {option} is ")
    shown = tuple(value) if isinstance(value, list) else value
    assert f"http {option} is {shown!r}; expected " in message
    assert accepted in message


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("stripe", "expected 'off' or JSON of options"),
        ("", "expected 'off' or JSON of options"),
        ("[]", "expected 'off' or JSON of options"),
        ("[" * 100_000, "expected 'off' or JSON of options"),
        ('{"profil":"ietf"}', "it has no option 'profil'; did you mean 'profile'? The options are"),
        ('{"secret":"ietf"}', "it has no option 'secret'. The options are profile, header, "),
    ],
    ids=["a name", "empty", "a list", "too deep", "misspelt", "unknown"],
)
def test_a_senseless_variable_is_named_with_its_value_and_what_is_accepted(
    text: str, accepted: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        HttpOptions.from_text(text)
    assert str(refused.value).startswith(f"http is {text!r}; ")
    assert accepted in str(refused.value)


def test_an_option_with_a_wrong_name_is_refused_by_the_type_checker_too() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'profile'"):
        HttpOptions(profle="stripe")  # type: ignore[call-arg]


def test_an_option_of_a_wrong_type_is_refused_by_the_type_checker_too() -> None:
    with pytest.raises(ConfigurationError, match="http methods is 'POST'"):
        HttpOptions(methods="POST")  # type: ignore[arg-type]


def test_the_type_checker_knows_what_an_option_is() -> None:
    assert_type(HttpOptions().methods, tuple[str, ...] | None)


@pytest.mark.parametrize("origin", ["*", "https://shop.example", "${Token[TOKEN.123]}"])
def test_an_origin_may_be_all_of_them_or_a_token_of_the_cdk(origin: str) -> None:
    assert HttpOptions(cors=(origin,)).cors == (origin,)


# What code passes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["ietf", "stripe", "accepted"])
def test_a_profile_may_be_given_by_its_name(profile: ProfileName) -> None:
    assert http_option(profile) == HttpOptions(profile=profile)


@pytest.mark.parametrize("value", [None, HttpOptions(cors=("*",))])
def test_options_and_none_stay_what_they_are(value: HttpOptions | None) -> None:
    assert http_option(value) is value


@pytest.mark.parametrize("value", ["rest", "off", "", 5, ["ietf"], {}])
def test_another_option_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError) as refused:
        http_option(value)
    assert str(refused.value) == (
        f"http is {value!r}; expected 'ietf', 'stripe', 'accepted', HttpOptions(...) or None (off)"
    )


# The status route ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "route"),
    [
        (HttpOptions(), None),
        (HttpOptions(profile="stripe"), None),
        (HttpOptions(profile="accepted"), STATUS_PATH),
        (HttpOptions(profile="accepted", status_path="/status"), "/status"),
        (HttpOptions(status_path="/status"), "/status"),
    ],
)
def test_a_state_is_told_where_the_options_or_the_profile_say(
    options: HttpOptions, route: str | None
) -> None:
    assert options.status_route == route


def test_the_header_is_the_one_of_the_draft() -> None:
    assert HttpOptions().header == HEADER == "Idempotency-Key"
