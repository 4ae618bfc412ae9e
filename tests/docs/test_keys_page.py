"""Each row of docs/keys.md is true of an event in the documented shape of its source."""

from __future__ import annotations

import copy
import re
from typing import Any, Final, NamedTuple

import pytest

from kit.pages import text_of
from lambda_idempotency import ConfigurationError, MemoryStore, idempotent, idempotent_records
from lambda_idempotency.identity.batch_sources import batch_of
from lambda_idempotency.identity.event_sources import SOURCES
from lambda_idempotency.identity.events import view
from lambda_idempotency.identity.keys import KeyRule, Selector
from lambda_idempotency.identity.records import RecordRule, records_of
from lambda_idempotency.identity.sources import MARKERS, default_key
from lambda_idempotency.testing.samples.every import SAMPLES
from lambda_idempotency.testing.samples.sample import Sample, Without

WORDS: Final[dict[Without, str]] = {
    "header": "the header",
    "this key": "this key",
    "each record": "each record",
    "payload": "the payload",
    "refused": "refused",
    "afresh": "answered afresh",
}


VALUES: Final[list[Any]] = [None, "text", {}, []]


class Row(NamedTuple):
    """A row of the page: the expression is that of its key, if it has one and not words."""

    expression: str | None
    without: str


def _rows() -> dict[str, Row]:
    found = {}
    for line in text_of("keys").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and (source := re.match(r"\[(.+?)\]\(https://", cells[0])):
            key = re.match(r"`([^`]+)`", cells[3])
            expression = None if key is None else key.group(1).replace(r"\|", "|")
            found[source.group(1)] = Row(expression, cells[4])
    return found


ROWS: Final = _rows()


def those(*wanted: Without) -> pytest.MarkDecorator:
    """Return the mark that runs a test for the samples that behave so without a key."""
    chosen = {name: sample for name, sample in SAMPLES.items() if sample.without in wanted}
    return pytest.mark.parametrize("sample", chosen.values(), ids=[*chosen])


def _id(event: Any) -> str:
    return KeyRule(namespace="shop", operation="handler").identify(event).key


def _run(event: Any, **options: Any) -> Any:
    return idempotent(store=MemoryStore(), **options)(lambda event, context: {})(event, None)


def test_the_page_and_the_samples_have_the_same_rows() -> None:
    assert [*ROWS] == [*SAMPLES]


@pytest.mark.parametrize("title", SAMPLES)
def test_a_row_says_what_happens_without_a_key(title: str) -> None:
    assert ROWS[title].without.startswith(WORDS[SAMPLES[title].without])


@pytest.mark.parametrize("title", [title for title in SAMPLES if SAMPLES[title].ids is not None])
def test_the_key_of_a_row_gives_the_ids_before_and_after_a_redelivery(title: str) -> None:
    sample, expression = SAMPLES[title], ROWS[title].expression
    assert expression is not None
    select = Selector("key", expression).select  # a part that is missing would raise
    for event in (sample.event, sample.redelivered()):
        if batch_of(event) is None:
            found = select(view(event))
        else:
            found = [select(record.source.view(record.delivered)) for record in records_of(event)]
        assert found == sample.ids


# Without a key ------------------------------------------------------------------------------------


@those("this key", "payload")
def test_a_redelivery_has_the_same_id_and_another_event_another(sample: Sample) -> None:
    assert _id(sample.event) == _id(sample.redelivered()) != _id(sample.of_another())


@those("this key")
def test_the_key_of_the_row_is_the_default(sample: Sample) -> None:
    source, key = default_key(sample.event)
    assert source
    assert key == sample.ids


@those("payload")
def test_an_event_of_ones_own_is_the_key_as_a_whole(sample: Sample) -> None:
    assert default_key(sample.event) == ("", sample.event)


@those("each record")
def test_each_record_is_recognized_by_itself(sample: Sample) -> None:
    def ids(event: Any) -> list[str]:
        rule = RecordRule(namespace="shop", operation="handler")
        return [rule.identify(record).key for record in records_of(event)]

    assert ids(sample.event) == ids(sample.redelivered()) != ids(sample.of_another())


@those("each record", "refused", "afresh")
def test_a_handler_of_events_refuses_it(sample: Sample) -> None:
    with pytest.raises(ConfigurationError, match=r"@idempotent|Pass key="):
        _run(sample.event)


@those("refused", "afresh")
def test_a_handler_of_records_refuses_it(sample: Sample) -> None:
    with pytest.raises(ConfigurationError, match="@idempotent_records: "):
        idempotent_records(store=MemoryStore())(lambda record, context: None)(sample.event, None)


@those("afresh")
def test_an_answer_that_is_needed_afresh_is_never_a_recorded_one(sample: Sample) -> None:
    with pytest.raises(ConfigurationError, match=r"recorded answer .* @idempotent_function"):
        _run(sample.event, on_missing_key="bypass")


@those("refused", "afresh")
def test_with_a_key_it_runs(sample: Sample) -> None:
    if batch_of(sample.event) is None:
        assert _run(sample.event, key=lambda event: "k") == {}


@those("header")
def test_the_header_is_the_key(sample: Sample) -> None:
    runs = []
    handler = idempotent(store=MemoryStore())(
        lambda event, context: runs.append(event) or {"statusCode": 200}  # type: ignore[func-returns-value]
    )
    for event in (sample.event, sample.redelivered(), sample.of_another()):
        assert handler(event, None)["statusCode"] == 200
    assert runs == [sample.event, sample.of_another()]


@those("header")
def test_without_http_mode_a_request_needs_a_key(sample: Sample) -> None:
    with pytest.raises(ConfigurationError, match=r"HTTP mode is off .* Pass key="):
        _run(sample.event, http=None)


OTHER_AUTHORIZERS: Final = (
    Sample({"type": "REQUEST", "routeArn": "arn:aws:execute-api:x"}, "afresh"),
    Sample({"authorizationToken": "x", "requestContext": {"apiId": "a"}}, "afresh"),
)


@pytest.mark.parametrize("sample", OTHER_AUTHORIZERS, ids=["HTTP API", "AppSync"])
def test_each_kind_of_authorizer_is_asked_afresh(sample: Sample) -> None:
    with pytest.raises(ConfigurationError, match="event of an authorizer"):
        _run(sample.event)


# Telling them apart -------------------------------------------------------------------------------


def test_the_names_that_tell_events_apart_are_those_of_the_table() -> None:
    assert {source.marker for source in SOURCES} == MARKERS


def test_every_row_of_the_table_has_a_sample() -> None:
    fitting = set()
    for sample in (*SAMPLES.values(), *OTHER_AUTHORIZERS):
        head = sample.event[0] if isinstance(sample.event, list) else sample.event
        fits = [number for number, source in enumerate(SOURCES) if source.marker in head]
        fitting.update([number for number in fits if SOURCES[number].matches(head)])
    assert fitting == set(range(len(SOURCES)))


@those("this key", "refused", "afresh", "header")
def test_an_event_that_lacks_the_rest_is_one_s_own(sample: Sample) -> None:
    head = sample.event[0] if isinstance(sample.event, list) else sample.event
    for name in MARKERS & head.keys() - {"methodArn"}:
        for value in VALUES:
            event: dict[str, Any] = {name: value}
            assert default_key(event) == ("", event)


@those("this key", "afresh", "header")
def test_a_list_of_events_is_one_s_own(sample: Sample) -> None:
    assert default_key([sample.event]) == ("", [sample.event])


def test_an_event_in_the_form_in_which_events_are_put_is_one_s_own() -> None:
    put = {"id": "order-1", "source": "shop", "detail-type": "Order placed", "detail": {}}
    assert default_key(put) == ("", put)


def test_equal_ids_of_two_sources_are_two_keys() -> None:
    rule, alexa = SAMPLES["Rule"].event, copy.deepcopy(SAMPLES["Alexa skill"].event)
    alexa["request"]["requestId"] = rule["id"]
    assert len({_id(rule), _id(alexa), _id(rule["id"])}) == 3


@pytest.mark.parametrize("title", ["SNS", "SES", "CodeCommit", "Lambda@Edge"])
def test_every_record_counts(title: str) -> None:
    one, other = SAMPLES[title].event, SAMPLES[title].of_another()
    both = {"Records": [*one["Records"], *other["Records"]]}
    assert len({_id(one), _id(both)}) == 2


@pytest.mark.parametrize("part", ["eventName", "versionId"])
def test_s3_events_of_one_sequencer_are_told_apart(part: str) -> None:
    one = SAMPLES["S3"].event
    other = copy.deepcopy(one)
    [record] = other["Records"]
    (record if part == "eventName" else record["s3"]["object"])[part] = "another"
    assert _id(one) != _id(other)


def test_without_a_sequencer_an_s3_record_is_its_own_key() -> None:
    one = copy.deepcopy(SAMPLES["S3"].event)
    del one["Records"][0]["s3"]["object"]["sequencer"]
    later = copy.deepcopy(one)
    later["Records"][0]["eventTime"] = "2027-01-01T00:00:00.000Z"
    assert _id(one) == _id(copy.deepcopy(one)) != _id(later)


def test_without_a_sequencer_an_s3_event_is_known_by_its_id() -> None:
    event = copy.deepcopy(SAMPLES["S3 through EventBridge"].event)
    del event["detail"]["object"]["sequencer"]
    assert default_key(event) == ("EventBridge", event["id"])


def test_the_scheduler_s_own_notice_is_known_by_its_time() -> None:
    event = {**SAMPLES["Rule on a schedule"].event, "source": "aws.scheduler"}
    assert _id(event) == _id({**event, "id": "another"}) != _id({**event, "time": "another"})


def test_an_event_without_its_id_is_a_missing_key_that_names_the_source() -> None:
    event = copy.deepcopy(SAMPLES["SNS"].event)
    del event["Records"][0]["Sns"]["MessageId"]
    runs: list[Any] = []
    handler = idempotent(store=MemoryStore(), on_missing_key="bypass")(lambda *_: runs.append(1))
    handler(event, None)
    handler(event, None)
    assert len(runs) == 2
