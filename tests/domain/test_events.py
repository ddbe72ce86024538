"""The table of events: every class has a topic of its own, survives its own JSON, and is known to the SQL that decodes it."""

import types
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from salesledger.domain.account import Price
from salesledger.domain.deal_events import DealEvent, DealRevised, Money, Moving, Priced, value_of
from salesledger.domain.events import TOPICS, Event, EventVoided, Personal, event_types
from salesledger.domain.person import PersonAdded
from salesledger.domain.target import ForecastIssued, Promise
from salesledger.domain.values import Amount, Currency, Date, Id, Rate, Score, Text, Weight
from salesledger.readmodel import decode
from support import examples
from support.happenings import at, captured, contacted, meeting, offered, person_added, revised, won

ENVELOPE = set(Event.model_fields)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1).filter(str.strip)
IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
AMOUNTS = st.decimals(0, Decimal("99999999999999.9999"), places=4, allow_nan=False)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=9))])
INSTANTS = st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30), timezones=ZONES)  # noqa: DTZ001
STAGES = st.lists(
    st.fixed_dictionaries({"name": IDS.map(lambda i: f"s-{i}"), "probability": st.decimals(0, 1, places=6)}),
    min_size=1,
    unique_by=lambda stage: stage["name"],
    max_size=5,
)
CRITERIA = st.lists(
    st.fixed_dictionaries({"attribute": TEXTS, "one_of": st.lists(TEXTS, min_size=1, max_size=3)}), max_size=3
)
PRICES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"amount": AMOUNTS, "currency": st.just("EUR")}),
    st.fixed_dictionaries(
        {
            "recurring_amount": AMOUNTS,
            "currency": st.just("JPY"),
            "interval_months": st.just(3),
            "term_months": st.just(36),
        },
        optional={"amount": AMOUNTS},
    ),
)


def values(name: str, annotation: Any) -> st.SearchStrategy[Any]:
    """What a field can hold, from its type."""
    if name == "stages":
        return STAGES
    if name == "criteria":
        return CRITERIA
    if name == "seal_key":
        return st.just(f"salesledger/7+0badcafe+{'A' * 44}")
    if name == "timezone":
        return st.sampled_from(["UTC", "Europe/Berlin"])
    by_type: dict[Any, st.SearchStrategy[Any]] = {
        Amount: AMOUNTS,
        Text: TEXTS,
        Personal: TEXTS,
        Id: IDS,
        Date: st.dates(),
        Currency: st.sampled_from(["EUR", "USD"]),
        Rate: st.decimals(Decimal("0.00000001"), 9999999999, places=8),
        Weight: st.integers(0, 5),
        Score: st.integers(0, 10),
        bool: st.booleans(),
        int: st.integers(1, 10**6),
        datetime: INSTANTS,
    }
    if annotation in by_type:
        return by_type[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return st.one_of([st.none() if a is type(None) else values(name, a) for a in inner])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        return st.lists(values(name, inner[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(values(name, inner[0]), values(name, inner[1]), max_size=3)
    if origin is Annotated:
        return values(name, inner[0])
    raise AssertionError(f"no values for {name}: {annotation}")


def hints(cls: type[Event]) -> dict[str, Any]:
    """The fields with their types, annotations included."""
    from typing import get_type_hints

    named = get_type_hints(cls, include_extras=True)
    return {name: named[name] for name in cls.model_fields}


@st.composite
def events(draw: st.DrawFn, cls: type[Event]) -> Event:
    """Any event of a class."""
    fields = {name: draw(values(name, kind)) for name, kind in hints(cls).items() if name not in Money.model_fields}
    if issubclass(cls, Money):
        fields |= draw(PRICES)
    if "currency" in cls.model_fields and not issubclass(cls, Money):
        fields["currency"] = draw(st.sampled_from(["EUR", "USD"]))
    if issubclass(cls, Priced) and "currency" not in fields:
        fields["list_amount"] = None
    if issubclass(cls, Price):
        fields |= {"recurring_amount": draw(AMOUNTS), "interval_months": draw(st.integers(1, 12))}
    if issubclass(cls, ForecastIssued):
        spread = sorted(draw(st.lists(AMOUNTS, min_size=5, max_size=5)))
        fields |= dict(zip(("lo_95", "lo_80", "median", "hi_80", "hi_95"), spread, strict=True))
        fields |= {"begins_on": date(2026, 1, 1), "ends_on": date(2026, 4, 1)}
    if issubclass(cls, Promise):
        fields |= {"team": None, "begins_on": date(2026, 1, 1), "ends_on": date(2026, 4, 1), "amount": draw(AMOUNTS)}
    return cls(**fields)


@pytest.mark.parametrize("cls", TOPICS.values(), ids=TOPICS)
@settings(max_examples=examples(25))
@given(data=st.data())
def test_survives_its_own_json(cls: type[Event], data: st.DataObject) -> None:
    """What is written to the log is what is read back, field by field."""
    event = data.draw(events(cls))
    again = cls.model_validate_json(event.model_dump_json(exclude_none=True))
    assert again == event
    assert again.model_dump_json() == event.model_dump_json()
    assert again.effective_at.tzinfo is UTC


def test_every_class_is_in_the_table_under_its_own_topic() -> None:
    """A topic says its type and its version, wherever the class lives."""

    def concrete(cls: type[Event]) -> set[type[Event]]:
        own = {cls} if "TOPIC" in cls.__dict__ else set()
        return own.union(*(concrete(sub) for sub in cls.__subclasses__()))

    ours = {cls for cls in concrete(Event) if cls.__module__.startswith("salesledger.")}
    assert ours == {cls for cls in TOPICS.values() if cls.__module__.startswith("salesledger.")}
    assert all(topic == cls.TOPIC and cls.type_name() == topic.split("/")[0] for topic, cls in TOPICS.items())
    assert len(event_types()) == len(TOPICS)
    assert "deal-won/1" in TOPICS


class TestDefinition:
    """A class that would be stored under somebody else's name can't even be defined."""

    def test_without_a_topic_fails(self) -> None:
        """Also where a parent has one: a topic is never inherited."""
        with pytest.raises(TypeError, match="Nameless needs a TOPIC of its own"):

            class Nameless(Event):
                STREAM = "deal"

        with pytest.raises(TypeError, match="Heir needs a TOPIC of its own"):

            class Heir(DealRevised):
                STREAM = "deal"

    def test_without_a_stream_fails(self) -> None:
        """An event says what it belongs to."""
        with pytest.raises(TypeError, match="Homeless needs a STREAM of its own"):

            class Homeless(DealEvent):
                TOPIC = "homeless/1"

        assert "homeless/1" not in TOPICS

    def test_with_the_topic_of_another_fails(self) -> None:
        """Two classes can't be one type."""
        with pytest.raises(TypeError, match=r"Copy and DealWon share the topic deal-won/1"):

            class Copy(DealEvent):
                TOPIC = "deal-won/1"
                STREAM = "deal"

    def test_abstract_ones_are_not_in_the_table(self) -> None:
        """They are parents, not events."""
        assert not {DealEvent, Moving} & set(TOPICS.values())


class TestPersonal:
    def test_is_told_by_the_fields_type(self) -> None:
        """What holds personal data follows from the types, wherever they are optional."""
        assert PersonAdded.PERSONAL == ("name", "email", "phone", "position", "remark")
        assert {cls.STREAM for cls in TOPICS.values() if cls.PERSONAL} == {"person"}

    def test_is_for_events_of_persons_only(self) -> None:
        """The key is the person's whose stream it is: no other event can hold any."""
        with pytest.raises(TypeError, match="Gossip holds personal data, which only events of a person may"):

            class Gossip(Event):
                TOPIC = "gossip/1"
                STREAM = "deal"

                about: Personal

        assert "gossip/1" not in TOPICS

    def test_is_never_shown(self) -> None:
        """Not in a debugger, a log or a traceback."""
        assert "Ann" not in repr(person_added(1)) + str(person_added(1))
        assert "name='(personal)'" in repr(person_added(1))
        assert "phone=None" in repr(person_added(1))


class TestEnvelope:
    def test_an_event_is_frozen(self) -> None:
        """Nothing is ever edited."""
        with pytest.raises(ValidationError, match="frozen"):
            contacted(1).channel = "mail"  # type: ignore[misc]

    def test_a_field_that_the_event_does_not_have_is_refused(self) -> None:
        """A misspelt field is not lost silently."""
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            contacted(1, chanel="phone")

    def test_instants_are_kept_in_utc(self) -> None:
        """Whatever offset they came with."""
        berlin = timezone(timedelta(hours=1))
        event = contacted(datetime(2026, 1, 2, 0, 30, tzinfo=berlin))
        assert event.effective_at == datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
        assert event.effective_at.utcoffset() == timedelta(0)

    @pytest.mark.parametrize("field", ["effective_at", "known_at"])
    @pytest.mark.parametrize(
        "bad",
        [
            datetime(2026, 1, 1),  # noqa: DTZ001
            "2026-01-01",
            "2026-01-01T00:00:00",
            datetime(1899, 12, 31, tzinfo=UTC),
            datetime(2200, 1, 1, tzinfo=UTC),
            1767225600,
            1767225600.5,
            "1767225600",
            "yesterday",
            True,
        ],
    )
    def test_an_instant_needs_an_offset_and_a_year_between_1900_and_2199(self, field: str, bad: object) -> None:
        """A number is no date: 20260331 would be a day in 1970."""
        with pytest.raises(ValidationError):
            contacted(1).model_validate({"effective_at": at(1), "recorded_by": "kim", "channel": "phone", field: bad})


class TestPrice:
    @pytest.mark.parametrize(
        ("price", "why"),
        [
            ({"amount": "5", "currency": None}, "an amount and its currency go together"),
            ({"currency": "EUR"}, "an amount and its currency go together"),
            ({"recurring_amount": "5"}, "needs its interval and its term"),
            ({"recurring_amount": "5", "interval_months": 1}, "needs its interval and its term"),
            ({"interval_months": 1, "term_months": 12}, "needs its interval and its term"),
            (
                {"recurring_amount": "5", "interval_months": 5, "term_months": 12},
                "a term of 12 months is not a multiple of 5",
            ),
            ({"recurring_amount": "5", "interval_months": 0, "term_months": 12}, "greater than or equal to 1"),
            ({"recurring_amount": "5", "interval_months": 1, "term_months": 1201}, "less than or equal to 1200"),
            ({"amount": "-5"}, "'-5' is negative; an amount is zero or more"),
        ],
    )
    def test_is_whole_or_refused(self, price: dict[str, object], why: str) -> None:
        """An amount has its currency; a recurring one its interval and its term."""
        for make in (captured, revised, won):
            with pytest.raises(ValidationError, match=why):
                make(1, **price)

    def test_is_worth_its_one_off_part_and_the_first_term(self) -> None:
        """10 a quarter for two years and 5 at once."""
        assert value_of(Decimal(5), Decimal(10), 3, 24) == 85
        assert value_of(None, Decimal("0.1"), 1, 3) == Decimal("0.3")
        assert value_of(Decimal(5), None, None, None) == 5
        assert value_of(None, None, None, None) is None

    def test_keeps_its_digits(self) -> None:
        """1250.50 is written as it was given."""
        assert '"amount":"1250.50"' in offered(1, amount="1250.50").model_dump_json()


def test_only_what_there_is_to_say_is_written() -> None:
    """An absent field takes no room in the log."""
    assert meeting(1).model_dump_json(exclude_none=True) == (
        '{"effective_at":"2026-01-01T00:00:00Z","recorded_by":"kim","kind":"meeting"}'
    )


class TestDecodingSql:
    """`readmodel/decode.py` repeats what the classes say, so that reports need not import them."""

    def test_knows_every_topic_and_its_fields(self) -> None:
        """No more and no fewer, but for what is personal: that is in no column, and so in no mirror."""
        ours = {topic: cls for topic, cls in TOPICS.items() if cls.__module__.startswith("salesledger.")}
        assert {t: set(fields) for t, fields in decode.TOPICS.items()} == {
            t: set(cls.model_fields) - ENVELOPE - set(cls.PERSONAL) for t, cls in ours.items()
        }
        assert all(len(fields) == len(set(fields)) for fields in decode.TOPICS.values())

    def test_knows_every_field_and_its_type(self) -> None:
        """The SQL type follows from the field's."""
        wanted = {n: sql_type(k) for cls in TOPICS.values() for n, k in hints(cls).items() if n not in cls.PERSONAL}
        wanted |= dict.fromkeys(("rank", "replaces", "voids", "void_root", "evidence", "upto"), "BIGINT")  # entries
        assert wanted == decode.ENVELOPE | decode.MOVE | decode.FIELDS | decode.DETAILS

    def test_a_name_has_one_type_in_every_class(self) -> None:
        """`events` has one column a name."""
        seen: dict[str, set[str]] = {}
        for cls in TOPICS.values():
            for name, kind in hints(cls).items():
                seen.setdefault(name, set()).add(sql_type(kind))
        assert {name: kinds for name, kinds in seen.items() if len(kinds) > 1} == {}


def sql_type(annotation: Any) -> str:
    """The type of a column that can hold the field."""
    names = {
        Amount: "DECIMAL(18, 4)",
        Rate: "DECIMAL(18, 8)",
        Date: "DATE",
        bool: "BOOLEAN",
        datetime: "TIMESTAMP",
        str: "VARCHAR",
        date: "DATE",
    }
    if annotation in names:
        return names[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return sql_type(next(a for a in inner if a is not type(None)))
    if origin is Annotated:
        return sql_type(inner[0])
    if origin is Literal:
        return "VARCHAR"
    if origin in (tuple, dict):
        return "JSON"
    assert annotation is int
    return "INTEGER"


def test_voids_are_events_of_any_stream() -> None:
    """They lie in the stream of what they strike."""
    assert EventVoided.STREAM is None
