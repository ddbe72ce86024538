"""Rules files: what they may say, and what each mistake in them is answered with."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from exchange.importing import RULES, rules
from salesledger.errors import NOTHING_RECORDED, BadFile
from salesledger.exchange.rules import Columns, Constants, EventRule, ProcessRule, Rules, read_rules

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def refused(text: str, tmp_path: Path) -> str:
    """Why a rules file is refused."""
    file = tmp_path / "rules.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as refusal:
        read_rules(file)
    message = str(refusal.value)
    assert str(file) in message
    assert message.endswith(NOTHING_RECORDED)
    return message


def test_the_rules_of_the_tests_are_rules() -> None:
    """They name each needed column with the key that asks for it."""
    assert ("columns.deal", "id") in list(rules().needed())
    assert ("events.3.fields.amount", "price") in list(rules().needed())


@pytest.mark.parametrize(
    "file", sorted([*EXAMPLES.glob("maven*.toml"), *EXAMPLES.glob("cdnow*.toml")]), ids=lambda file: file.name
)
def test_the_examples_are_rules(file: Path) -> None:
    """They can be read as they are shipped."""
    assert read_rules(file).events


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'date = "begun"\nstage = "talking"',
            'dat = "begun"',
            "there is no key 'events.1.dat'; perhaps 'date' is meant",
        ),
        ('owner = "rep"', 'ownr = "rep"', "there is no key 'columns.ownr'; perhaps 'owner' is meant"),
        ('currency = "EUR"', 'curency = "EUR"', "there is no key 'curency'; perhaps 'currency' is meant"),
        ('source_system = "shop"', "", "the key 'source_system' is missing"),
        ('deal = "id"', "", "the key 'columns.deal' is missing"),
        (
            'currency = "EUR"',
            'currency = "EUR"\ndeal_from = ["id"]',
            "deal_from: [columns] names a column for the deal's id",
        ),
        (
            'type = "deal-won"',
            'type = "deal-one"',
            "events.3: 'deal-one' is no event of a deal; perhaps 'deal-won' is meant",
        ),
        ('type = "deal-won"', 'type = "account-opened"', "'account-opened' is no event of a deal"),
        ('type = "deal-won"', 'type = "deal-revised"', "'deal-revised' is no event of a deal"),
        ("{ amount = ", "{ amout = ", "no field 'amout' that a rule can fill; perhaps 'amount' is meant"),
        ("{ amount = ", "{ rank = ", "no field 'rank' that a rule can fill"),
        ('stage = "trying"\n\n', 'stage = "tring"\n\n', "has no stage 'tring'; perhaps 'trying' is meant"),
        ('type = "deal-won"', 'type = "deal-won"\nstage = "trying"', "deal-won moves no deal; leave its stage out"),
        ("probability = 0.4", "probability = 4", "process.stages.1.probability"),
        ("probability = 0.4", "probability = nan", "process.stages.1.probability"),
        ('name = "trying"', 'name = "talking"', "the stage 'talking' occurs twice"),
        ('"iso", "%d.%m.%Y"', '"%d.%m"', "'%d.%m' doesn't say day, month and year"),
        ('"iso", "%d.%m.%Y"', '"YYYY-MM-DD"', "doesn't say day, month and year"),
        ('date_formats = ["iso", "%d.%m.%Y", "%m/%d/%Y"]', "date_formats = []", "date_formats"),
        ('currency = "EUR"', 'currency = "euro"', "currency: 'euro' is not a currency code"),
        ('currency = "EUR"', "", "currency: events.3.fields.amount needs one"),
        ('currency = "EUR"', 'currency = "EUR"\ntimezone = "Mars/Rome"', "'Mars/Rome' is not a time zone"),
        ('currency = "EUR"', 'currency = "EUR"\nencoding = "utf-9"', "'utf-9' is no text encoding"),
        ('currency = "EUR"', 'currency = "EUR"\nencoding = "base64"', "'base64' is no text encoding"),
        ('currency = "EUR"', 'currency = "EUR"\ndelimiter = ";;"', "delimiter: give one character"),
        ('currency = "EUR"', 'currency = "EUR"\nthousands = "."', "thousands: it is the decimal mark already"),
        ('currency = "EUR"', 'currency = "EUR"\ndecimal = "0"', "decimal: give one character"),
        ('source_system = "shop"', 'source_system = "our shop"', "'our shop' is not an id"),
        ('when = { phase = "New" }', "when = { phase = [] }", "events.2.when.phase: give a text, or a list of texts"),
        ('when = { phase = "New" }', "when = { phase = true }", "give a text, or a list of texts"),
        ("[values.product]", "[values.prodct]", "values.prodct: no field is called so; perhaps 'product' is meant"),
        (
            "[values.product]",
            '[constants]\nowner = "kim"\n[values.product]',
            "constants.owner: [columns] names a column",
        ),
        ('deal = "id"', 'deal = "id"\nstage = "phase"', "events.1.stage: [columns] names a column for the stage"),
        ('deal = "id"', 'deal = " "', "columns.deal: give the name of a column"),
        ('type = "deal-lost"', 'type = "deal-lost"\nslot = "revised"', "the slot 'revised' is kept for something else"),
        ('stage = "trying"\n\n', 'stage = "trying"\nfields = { owner = "rep" }\n\n', "name its column under [columns]"),
        ("[process]", "[process", "are no TOML"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_the_remedy(old: str, new: str, expected: str, tmp_path: Path) -> None:
    """One message, which says where."""
    assert old in RULES
    assert expected in refused(RULES.replace(old, new), tmp_path)


def test_no_deal_begins_without_a_capture(tmp_path: Path) -> None:
    """Rules need a 'lead-captured'."""
    text = RULES.replace('type = "lead-captured"', 'type = "meeting-held"\nslot = "first"', 1)
    text = text.replace('type = "lead-captured"', 'type = "meeting-held"')
    assert "none is a 'lead-captured'" in refused(text.replace('stage = "t', '#stage = "t'), tmp_path)


def test_two_events_of_a_type_must_be_told_apart(tmp_path: Path) -> None:
    """They would take each other's place at the next import."""
    meeting = '[[events]]\ntype = "meeting-held"\ndate = "begun"\n'
    message = refused(RULES + meeting + meeting.replace("begun", "ended"), tmp_path)
    assert 'events.6.slot: another meeting-held has no slot either; name them apart, slot = "..."' in message
    file = tmp_path / "rules.toml"
    file.write_text(RULES + meeting + meeting.replace("begun", "ended") + 'slot = "second"\n', encoding="utf-8")
    assert [rule.place for rule in read_rules(file).events][-2:] == ["meeting-held", "second"]


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"\0", b"a = 1", b"[[events]]", b"events = 5", b"a = " + b"[" * 10_000, b"x" * 1_000_001]
)
def test_any_other_file_is_refused(data: bytes, tmp_path: Path) -> None:
    """With one message."""
    file = tmp_path / "rules.toml"
    file.write_bytes(data)
    with pytest.raises(BadFile, match=re.escape(str(file))):
        read_rules(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """With its name; a folder as well."""
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(BadFile, match="can't be read"):
            read_rules(path)


def test_fractions_in_the_rules_stay_exact() -> None:
    """A probability of 0.1 is a tenth, not the nearest binary fraction."""
    process: dict[str, Any] = {
        "id": "p",
        "stages": [{"name": "talking", "probability": "0.1"}, {"name": "trying", "probability": "1"}],
    }
    stages = rules(process=process).process
    assert stages is not None
    assert stages.stages is not None
    assert str(stages.stages[0].probability) == "0.1"


DOCS = Path(__file__).parent.parent.parent / "docs" / "import.md"


def test_the_documentations_rules_are_rules(tmp_path: Path) -> None:
    """As they stand there."""
    (example,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "rules.toml"
    file.write_text(example, encoding="utf-8")
    assert read_rules(file).events[1].type == "deal-won"


@pytest.mark.parametrize(
    "section", [Rules, Columns, EventRule, ProcessRule, Constants], ids=lambda section: section.__name__
)
def test_every_key_is_documented(section: type[BaseModel]) -> None:
    """In docs/import.md."""
    told = DOCS.read_text(encoding="utf-8")
    assert [key for key in section.model_fields if not re.search(rf"[`\[]{key}[`.\]]", told)] == []
