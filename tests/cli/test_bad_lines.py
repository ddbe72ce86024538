"""Lines of events from programs: one that the ledger can't take, and none of them is recorded."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from salesledger.domain.events import event_types
from salesledger.errors import NOTHING_RECORDED
from support.console import Console, frozen, unchanged
from support.ledgers import rows

SURROGATE = "a\udc80b"


class TestRecord:
    """`record` takes lines of events from programs: all of them or none."""

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            (b'{"type": "deal-won"', "Line 2 is no JSON"),
            (b"[1]", "Line 2 is no JSON object"),
            (b"\xff\xfe", "Line 2 is no JSON"),
            (b'{"deal": "delta-ltd"}', 'Line 2: A line needs a "type"'),
            (b'{"type": 5}', 'Line 2: A line needs a "type"'),
            (b'{"type": "deal-wonn"}', "Did you mean 'deal-won'?"),
            (b'{"type": "event-voided"}', "There is no type of event 'event-voided' that can be recorded"),
            (b'{"type": "deal-won"}', "Line 2: deal-won needs the id of its deal"),
            (b'{"type": "deal-won", "deal": 5}', "Line 2: 'deal' must be text"),
            (b'{"type": "deal-won", "deal": "nobody"}', "Line 2: nobody: the lead is not captured yet"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "entry": 5}', "Line 2: 'entry' is given by the ledger"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "amount": NaN}', "NaN is no number"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "amount": -Infinity}', "-Infinity is no number"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "amount": 1E+1000000}', "'1E+1000000' is not an amount"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "amount": "1,234.50"}', "'1,234.50' is not an amount"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "amount": -5}', "is negative"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "amount": true}', "True may be inexact"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "self": 1}', "deal-won has no field 'self'"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "rank": 1}', "'rank' is given by the ledger"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "deal": "acme-gmbh"}', "'deal' is said twice"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "on": "someday"}', "Line 2: 'someday' is not a date"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "on": true}', "Line 2: 'True' is not a date"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "on": "2026-03-01", "effective_at": "2026-03-01"}', "not both"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "actor": "a", "recorded_by": "b"}', "not both"),
            (b'{"type": "deal-won", "deal": "delta-ltd", "known_at": "2030-01-01"}', "is later than now"),
            (b'{"type": "lead-captured", "company": "a\\u0000b"}', "Line 2: lead-captured: company: the text holds a NUL"),
            (b'{"type": "lead-captured", "company": "\\ud800"}', "half a surrogate pair"),
            (b'{"type": "lead-captured", "company": ["x"]}', "Line 2: lead-captured: company"),
            (b'{"type": "lead-captured", "company": "x", "attributes": 5}', "Line 2: lead-captured: attributes"),
            (b'{"type": "lead-captured", "company": "' + b"x" * 501 + b'"}', "at most 500 are kept"),
            (b'{"type": "lead-captured", "company": "x", "deal": "../x"}', "is not an id"),
            (b'{"type": "lead-captured", "company": "x", "key": ""}', "Line 2: key: the text is empty"),
            (b'{"type": "meeting-held", "deal": "delta-ltd", "attendees": 1e400}', "Line 2: meeting-held: attendees"),
            (b"[" * 100_000, "Line 2 is no JSON"),
            (b'{"a": ' * 100_000, "Line 2 is no JSON"),
            (b'"' + b"x" * 1_000_001 + b'"', "Line 2 has 1000003 bytes"),
            (b"9" * 5000, "Line 2 is no JSON"),
        ],
    )  # fmt: skip
    def test_refuses_all_for_one_line_and_names_it(self, line: bytes, words: str, console: Console) -> None:
        """The good line before it isn't recorded either."""
        good = b'{"type": "lead-captured", "company": "Good", "on": "2026-03-01", "key": "g"}\n'
        with unchanged(console):
            message = console.no("record -", stdin=good + line)
        assert words in message
        assert message.endswith(NOTHING_RECORDED)
        assert len(message) < 900

    @settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @example(b"\x00")
    @example(b'{"type":"lead-captured","company":"x","on":{}}')
    @given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda t: t.encode("utf-8", "surrogatepass"))))
    def test_survives_any_bytes(self, beginning: Path, tmp_path: Path, noise: bytes) -> None:
        """Whatever comes, it is recorded whole or not at all, and said so."""
        _survives(
            beginning, tmp_path, b'{"type": "lead-captured", "company": "Good"}\n' + noise, 1 + noise.count(b"\n")
        )

    JSON = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from([SURROGATE])),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
        max_leaves=5,
    )  # fmt: skip
    FIELDS = sorted(
        {name for cls in event_types().values() for name in cls.model_fields}
        | {"type", "deal", "account", "process", "on", "key", "actor", "self", "dry_run", "fields", "stream"}
    )

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        type_name=st.sampled_from([*sorted(event_types()), "nothing"]),
        deal=st.sampled_from(["delta-ltd", "acme-gmbh", "new", "", None]),
        more=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    )
    def test_survives_any_object(
        self, beginning: Path, tmp_path: Path, type_name: str, deal: str | None, more: dict[str, object]
    ) -> None:
        """Any fields with any values."""
        line = json.dumps({"type": type_name, "deal": deal} | more).encode()
        _survives(beginning, tmp_path, b'{"type": "lead-captured", "company": "Good"}\n' + line, 2)


def _survives(beginning: Path, folder: Path, lines: bytes, most: int) -> None:
    console = Console(folder, {"SALESLEDGER_ACTOR": "kim"})
    console.ledger.write_bytes(beginning.read_bytes())
    before = rows(console.ledger)
    with frozen(console):
        done = console("record -", stdin=lines)
    after = rows(console.ledger)
    assert after[: len(before)] == before
    if done.code == 0:
        assert 1 <= len(after) - len(before) <= most + 1
    else:
        assert done.code in (1, 2)
        assert after == before
        assert done.err.startswith("salesledger: ")
        assert done.err.rstrip("\n").endswith(NOTHING_RECORDED)
        assert done.err.count("\n") == 1
