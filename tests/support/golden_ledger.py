"""The golden ledger of a release: every type of event there is, and what every projection answers about it.

`python -m support.golden_ledger`, run in tests/, makes the one of this version anew. That is done once, at the release: what later
versions are held against is the file as it was written then.
"""

import json
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from salesledger.domain.events import event_types
from salesledger.ledger.backup import back_up
from salesledger.readmodel import catalogue
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Period
from support.console import Console, frozen
from support.ledgers import log_of

VERSION = "0.1"
FIXTURES = Path(__file__).parents[1] / "fixtures"
DATA = Path(__file__).parents[1] / "cli" / "data"

STORY = """
2026-01-04
init --timezone Europe/Berlin --currency EUR
rate set USD 0.92 --on 2026-01-01
process define --template license --on 2026-01-02
process define licence.toml --on 2026-01-03
target set --owner ann -p 2026Q1 9000 --on 2026-01-04

2026-02-26
lead touch "Acme GmbH" --channel article --content "Why invoices are late" --on 2025-12-20
lead capture "Acme GmbH" --source pr --campaign spring --owner sue --team North --attr size=120 --attr sector=energy --on 2026-01-10
lead contact acme --channel call --outcome reached --on 2026-01-12
lead qualify acme --use-case billing --budget 10k --authority CFO --timing Q1 --on 2026-01-13
lead hand-over acme --to ann --on 2026-01-14
lead accept acme --on 2026-01-15
meeting hold acme --kind demo --attendees 3 --pain "late invoices" --pain "dear" --on 2026-01-20
trial start acme --product Pro --on 2026-01-21
trial end acme --outcome happy --on 2026-01-30
deal offer acme --amount 4800 --recurring 100 --every month --term 12 --list 5200 --terms "net 30" --on 2026-02-01
account open "Acme GmbH" --attr sector=energy --on 2026-02-02
deal offer acme --counter --amount 4500 --on 2026-02-03
deal paperwork acme --kind order-form --on 2026-02-10
person add "Ann Example" --email ann@example.org --account acme --role champion --on 2026-02-03
person add "Bob Example" --remark "prefers calls" --account acme --on 2026-02-03
meeting hold acme --kind visit --person ann --person bob --on 2026-02-04
deal revise acme --account acme --category commit --expected-close 2026-03-31 --on 2026-02-05
deal win acme --amount 4500 --on 2026-02-20
subscription start acme --recurring 100 --every month --term 1 --product Pro --on 2026-02-20
referral ask acme --names 3 --cards 5 --on 2026-02-21
referral give acme "Beta AG" --owner ann --amount 900 --on 2026-02-25
forecast call --owner ann -p 2026Q1 --category best-case 7000 --on 2026-02-26

2026-03-20
lead capture "Gamma SA" --source event --owner kim --amount "2500 USD" --product Pro --on 2026-01-05
lead qualify gamma --on 2026-01-08
meeting hold gamma --on 2026-01-15
deal lose gamma --reason price --competitor Rival --on 2026-02-10
lead capture "Delta Ltd" --source event --owner kim --amount 7000 --product Pro --on 2026-01-07
lead hand-over delta --to lee --on 2026-01-08
lead reject delta --reason "too far away" --on 2026-01-09
deal revise delta --expected-close 2026-06-30 --on 2026-01-31
deal advance delta proposal --on 2026-02-02
deal move delta license --stage quote --on 2026-03-02
lead capture "Zeta BV" --source outbound --owner kim --on 2026-03-02
lead disqualify zeta --reason "no budget" --on 2026-03-09
account note acme repair --weight 4 --evidence 7 --note "keeps its machines for long" --on 2026-03-01
service open acme --kind broken-equipment --product Pro --subject "the sorter" --on 2026-03-10
service resolve acme broken-equipment --resolution repair --on 2026-03-12
service rate acme --score 9 --channel survey --on 2026-03-12
subscription change acme pro --recurring 150 --on 2026-03-10
lead capture "Acme GmbH" --id acme-again --account acme --subscription pro --growth renewal --amount 450 --on 2026-03-15
subscription renew acme pro --term 3 --deal acme-again --on 2026-03-20
person revise bob --position "head of IT" --on 2026-03-15
account contact acme bob --remove --on 2026-03-20

2026-07-10
deal reopen gamma --stage proposal --reason "second thoughts" --on 2026-05-20
rate set USD 0.88 --on 2026-05-01
deal sell "Walk-in" --amount 19.90 --list 25 --terms cash --on 2026-06-02
deal win delta --amount 6800 --on 2026-06-20
subscription cancel acme pro --reason price --competitor Rival --on 2026-06-25
lead capture "Acme GmbH" --id acme-more --account acme --grown-from acme-gmbh --growth upsell --amount 800 --on 2026-06-26

2026-07-12
person forget 'Ann Example' --reason "asked to" --yes
seal --new-key
"""
"""What is recorded on which day."""

QUESTIONS = {
    "end of March, as known then": (datetime(2026, 3, 31, 22, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)),
    "end of June, as known in the middle of July": (
        datetime(2026, 6, 30, 22, tzinfo=UTC),
        datetime(2026, 7, 15, 22, tzinfo=UTC),
    ),
}
"""As of when and as known when every projection is asked."""

PERIODS = (
    Period("2026Q1", date(2026, 1, 1), date(2026, 4, 1)),
    Period("2026Q2", date(2026, 4, 1), date(2026, 7, 1)),
)


def make(folder: Path) -> Path:
    """Record the story, and strike out and correct an entry of it."""
    for file in DATA.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    with frozen(Console(folder, {"SALESLEDGER_ACTOR": "kim", "SALESLEDGER_TODAY": "2026-07-12"})) as console:
        assert console.told is not None
        for line in STORY.strip().splitlines():
            if line[:2] == "20":
                console.told.now = datetime.fromisoformat(line).replace(tzinfo=UTC) + timedelta(hours=12)
            elif line:
                done = console(line)
                assert done.code == 0, done
        offers = [
            r.entry for r in log_of(console.ledger) if r.event.type_name() in ("offer-countered", "deal-advanced")
        ]
        console.ok(f"correct {offers[0]} --reason typo --set amount=4400")
        console.ok(f'void {offers[1]} --reason "was another deal"')
    return console.ledger


Answers = dict[str, dict[str, dict[str, list[Any]]]]
"""By question and projection: its `columns`, and its `rows` in an order of their own."""


def answers(path: Path, columns: dict[str, list[str]] | None = None) -> Answers:
    """What projections say about a ledger, as JSON holds it.

    Args:
        path: the ledger.
        columns: the projections that are asked, and which columns of each; all where absent.
    """
    told: Answers = {}
    with Engine.open(path) as engine:
        for title, (as_of, known_at) in QUESTIONS.items():
            question = Question(as_of, since=as_of - timedelta(days=45), known_at=known_at, periods=PERIODS)
            told[title] = {}
            for name in columns or catalogue.load():
                answer = engine.answer(name, question)
                wanted = columns[name] if columns else list(answer.columns)
                rows = [[_as_json(row[column]) for column in wanted] for row in answer.dicts()]
                told[title][name] = {"columns": wanted, "rows": sorted(rows, key=json.dumps)}
    return told


def _as_json(value: Any) -> Any:
    return round(value, 9) if isinstance(value, float) else json.loads(json.dumps(value, default=str))


def main() -> None:
    """Make the golden ledger of this version, and its answers beside it."""
    with tempfile.TemporaryDirectory() as scratch:
        ledger = make(Path(scratch))
        types = {r.event.type_name() for r in log_of(ledger)}
        if missing := sorted(set(event_types()) - types):
            sys.exit(f"The story has no event of these types: {', '.join(missing)}.")
        alone = Path(scratch) / "alone" / "golden.ledger"
        alone.parent.mkdir()
        back_up(ledger, alone)  # without the keys that lie beside it
        told = answers(alone)
        if empty := sorted(name for name in catalogue.load() if not any(told[title][name]["rows"] for title in told)):
            sys.exit(f"These projections say nothing about the story: {', '.join(empty)}.")
        FIXTURES.mkdir(exist_ok=True)
        (FIXTURES / f"golden-{VERSION}.ledger").write_bytes(alone.read_bytes())
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        (FIXTURES / f"golden-{VERSION}.json").write_text(text.replace("],[", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
