"""Settings pass through the environment unchanged, and invalid ones are named."""

from __future__ import annotations

import math
import re
from typing import Any, Final, assert_type

import pytest
from hypothesis import given

from kit.settings import ROWS, settings
from lambda_idempotency import ConfigurationError
from lambda_idempotency.contract.settings import WRAPPER, Settings, check_namespace

NAMES: Final = list(Settings.kinds)


def variable(name: str) -> str:
    return f"IDEMPOTENCY_{name.upper()}"


# Both ways ----------------------------------------------------------------------------------------


@given(settings())
def test_settings_survive_the_environment(written: Settings) -> None:
    assert Settings.from_environment(written.to_environment()) == written


@given(settings())
def test_only_what_differs_from_the_default_is_written(written: Settings) -> None:
    differing = {
        variable(name) for name in NAMES if getattr(written, name) != getattr(Settings(), name)
    }
    assert set(written.to_environment()) == differing


def test_each_setting_is_generated() -> None:
    assert ROWS.keys() == Settings.kinds.keys()


def test_the_defaults_write_nothing() -> None:
    assert Settings().to_environment() == {}


def test_an_empty_environment_means_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_a_default_that_is_spelled_out_is_not_written() -> None:
    assert Settings(expires_after=86400.0, fail_open=False, store="dynamodb").to_environment() == {}


def test_foreign_variables_are_ignored() -> None:
    assert Settings.from_environment({"IDEMPOTENCY_OTHER": "x", "PATH": "/bin"}) == Settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("EXPIRE_AFTER", "EXPIRES_AFTER"),
        ("FAILOPEN", "FAIL_OPEN"),
        ("TABLES", "TABLE"),
        ("DISABLE", "DISABLED"),
        ("KEYS", "KEY"),
    ],
)
def test_a_misspelt_variable_is_refused(name: str, meant: str) -> None:
    text = (
        f"Environment variable IDEMPOTENCY_{name} is no setting; did you mean IDEMPOTENCY_{meant}?"
    )
    with pytest.raises(ConfigurationError, match=rf"^{re.escape(text)}$"):
        Settings.from_environment({f"IDEMPOTENCY_{name}": "secret"})


@pytest.mark.parametrize("name", ["TABLE_NAME", "ROTATION_STRATEGY", "SERVICE_URL"])
def test_a_variable_of_somebody_else_is_left_alone(name: str) -> None:
    assert Settings.from_environment({f"IDEMPOTENCY_{name}": "x"}) == Settings()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("TRUE", True),
        (" 1 ", True),
        ("false", False),
        ("False", False),
        ("0", False),
    ],
)
def test_flags_are_read_as_people_write_them(text: str, *, value: bool) -> None:
    assert Settings.from_environment({"IDEMPOTENCY_DISABLED": text}).disabled is value


def test_a_whole_duration_is_written_without_a_fraction() -> None:
    assert Settings(lease=30.0).to_environment() == {"IDEMPOTENCY_LEASE": "30"}


# Senseless values ---------------------------------------------------------------------------------

NUMBER: Final = "expected a number of seconds"
BAD_TEXTS: Final = [
    ("store", "valkey", "expected 'dynamodb', 'redis' or 'memory'"),
    ("store", "", "expected 'dynamodb', 'redis' or 'memory'"),
    ("store", "Memory", "expected 'dynamodb', 'redis' or 'memory'"),
    ("on_in_progress", "block", "expected 'raise' or 'wait'"),
    ("on_missing_key", "ignore", "expected 'reject' or 'bypass'"),
    ("table", "", "not empty"),
    ("parameter", "", "not empty"),
    ("table", "  ", "not empty"),
    ("key", "", "not empty"),
    ("redact", "", "not empty"),
    ("store_response", "no", "expected true or false"),
    ("fingerprint", "", "not empty"),
    ("namespace", "", "not empty"),
    ("namespace", "shop#1", "1 to 128 of the characters"),
    ("namespace", "shop\n", "1 to 128 of the characters"),
    ("namespace", "n" * 129, "1 to 128 of the characters"),
    ("namespace", "größe", "1 to 128 of the characters"),
    ("expires_after", "0", "at least 1"),
    ("expires_after", "0.5", "at least 1"),
    ("expires_after", "-5", "at least 1"),
    ("expires_after", "nan", "at least 1"),
    ("expires_after", "inf", "at most 100 years"),
    ("expires_after", "9999999999", "at most 100 years"),
    ("expires_after", "1 hour", NUMBER),
    ("expires_after", "true", NUMBER),
    ("expires_after", "", NUMBER),
    ("lease", "0", "at least 0.001"),
    ("timeout", "0", "at least 0.001"),
    ("execution_timeout", "0.5", "at least 1"),
    ("heartbeat", "yes", "expected true or false"),
    ("lease", "-1", "at least 0.001"),
    ("lease", "PT30S", NUMBER),
    ("wait_timeout", "0", "at least 0.001"),
    ("wait_timeout", "-inf", "at least 0.001"),
    ("wait_timeout", "5,5", NUMBER),
    ("max_attempts", "0", "expected a whole number from 1"),
    ("max_attempts", "-1", "expected a whole number from 1"),
    ("max_attempts", "1.5", "expected a whole number from 1"),
    ("max_attempts", "many", "expected a whole number from 1"),
    ("max_attempts", "true", "expected a whole number from 1"),
    ("large_responses", "", "not empty"),
    ("large_response_size", "0", "expected a whole number from 1"),
    ("cache_size", "-1", "expected a whole number from 0"),
    ("cache_size", "10 MB", "expected a whole number from 0"),
    ("fail_open", "yes", "expected true or false"),
    ("fail_open", "", "expected true or false"),
    ("disabled", "2", "expected true or false"),
    ("handler", "", "not empty"),
    ("handler", "handler", "expected a module and a function"),
    ("handler", "payments.", "expected a module and a function"),
    ("handler", "../payments.handler", "expected a module and a function"),
    ("handler", "pay ments.handler", "expected a module and a function"),
    ("handler", WRAPPER, "the wrapper itself"),
    ("http", "stripe", "expected 'off' or JSON of options"),
    ("http", "", "expected 'off' or JSON of options"),
    ("http", "[]", "expected 'off' or JSON of options"),
    ("http", "[" * 100_000, "expected 'off' or JSON of options"),
    ("http", '{"profil":"ietf"}', "it has no option 'profil'"),
]


@pytest.mark.parametrize(("name", "text", "accepted"), BAD_TEXTS)
def test_a_senseless_variable_is_named_with_its_value_and_what_is_accepted(
    name: str, text: str, accepted: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({variable(name): text})
    message = str(refused.value)
    assert message.startswith(f"Environment variable {variable(name)}: {name} is ")
    assert repr(text)[1:-1] in message
    assert accepted in message


def test_http_mode_that_is_off_survives_the_environment() -> None:
    assert Settings(http=None).to_environment() == {variable("http"): "off"}
    assert Settings.from_environment({variable("http"): "off"}).http is None


BAD_VALUES: Final[list[tuple[str, Any, str]]] = [
    ("store", None, "expected 'dynamodb', 'redis' or 'memory'"),
    ("on_in_progress", ["wait"], "expected 'raise' or 'wait'"),
    ("on_missing_key", None, "expected 'reject' or 'bypass'"),
    ("table", 5, "not empty"),
    ("key", b"id", "not empty"),
    ("namespace", ["shop"], "not empty"),
    ("namespace", "shop shop", "1 to 128 of the characters"),
    ("expires_after", None, NUMBER),
    ("expires_after", True, NUMBER),
    ("expires_after", "60", NUMBER),
    ("expires_after", 0, "at least 1"),
    ("expires_after", math.nan, "at least 1"),
    ("expires_after", math.inf, "at most 100 years"),
    ("lease", False, NUMBER),
    ("lease", -1, "at least 0.001"),
    ("wait_timeout", 0.0, "at least 0.001"),
    ("max_attempts", True, "expected a whole number from 1"),
    ("max_attempts", 2.0, "expected a whole number from 1"),
    ("max_attempts", 0, "expected a whole number from 1"),
    ("cache_size", True, "expected a whole number from 0"),
    ("cache_size", None, "expected a whole number from 0"),
    ("cache_size", 1.5, "expected a whole number from 0"),
    ("fail_open", "true", "expected true or false"),
    ("fail_open", None, "expected true or false"),
    ("disabled", 1, "expected true or false"),
    ("handler", 5, "not empty"),
    ("http", "stripe", "expected HttpOptions(...) or None"),
    ("http", {}, "expected HttpOptions(...) or None"),
]


@pytest.mark.parametrize(("name", "value", "accepted"), BAD_VALUES)
def test_a_senseless_setting_is_named_with_its_value_and_what_is_accepted(
    name: str, value: Any, accepted: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings(**{name: value})
    assert str(refused.value).startswith(f"{name} is {value!r}")
    assert accepted in str(refused.value)


def test_a_setting_with_a_wrong_name_is_refused_by_the_type_checker_too() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'expires_after'"):
        Settings(expire_after=3)  # type: ignore[call-arg]


def test_a_setting_of_a_wrong_type_is_refused_by_the_type_checker_too() -> None:
    with pytest.raises(ConfigurationError, match="'dynamodb', 'redis' or 'memory'"):
        Settings(store="valkey")  # type: ignore[arg-type]


def test_the_type_checker_knows_what_a_setting_is() -> None:
    assert_type(Settings().lease, float | None)
    assert_type(Settings().overridden(lease=3), Settings)


@pytest.mark.parametrize("name", ["table", "namespace", "key", "fingerprint", "large_responses"])
def test_a_text_may_be_a_token_of_the_cdk(name: str) -> None:
    setting: dict[str, Any] = {name: "${Token[TOKEN.123]}"}
    assert Settings(**setting).to_environment() == {variable(name): "${Token[TOKEN.123]}"}


@pytest.mark.parametrize("name", ["store", "on_in_progress", "on_missing_key", "expires_after"])
def test_a_choice_or_a_number_may_not_be_a_token_of_the_cdk(name: str) -> None:
    setting: dict[str, Any] = {name: "${Token[TOKEN.123]}"}
    with pytest.raises(ConfigurationError, match=name):
        Settings(**setting)


@pytest.mark.parametrize("namespace", ["a", "n" * 128, "Stack/Api/Handler", "shop-1.2_3"])
def test_a_namespace_may_be_a_path_of_constructs(namespace: str) -> None:
    check_namespace(namespace)


@pytest.mark.parametrize("namespace", ["", "a#b", "a b", "n" * 129, "a*", "${Token[TOKEN.123]}"])
def test_a_namespace_that_could_not_be_fenced_is_refused(namespace: str) -> None:
    with pytest.raises(ConfigurationError, match="1 to 128 of the characters"):
        check_namespace(namespace)
