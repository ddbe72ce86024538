"""Every command's output, as text and as JSON, is what lies in tests/golden; GOLDEN=update rewrites the files."""

import os
from pathlib import Path

import pytest

from support.console import Console, Done, commands

GOLDEN = Path(__file__).parent.parent / "golden"

SUBSCRIBED = (
    "subscription start acme --recurring 100 --term 1 --product Pro --on 2026-02-20",
    "subscription start acme --recurring 1000 --every year --id support --term 12 --on 2026-03-01",
    "subscription change acme pro --recurring 150 --on 2026-03-10",
    "subscription renew acme pro --on 2026-03-20",
    "subscription cancel acme support --reason price --on 2026-03-25",
)
"""What the sessions about recurring revenue begin with."""

KNOWN = (
    'person add "Ann Example" --email ann@example.org --account acme --role champion --on 2026-03-01',
    'person add "Bob Example" --remark "prefers calls" --on 2026-03-01',
    "meeting hold delta --person ann --person bob --on 2026-03-05",
)
"""What the sessions about persons begin with."""

SESSIONS: dict[str, tuple[str, ...]] = {
    "init": ("init -f other.ledger --timezone Europe/Berlin --currency EUR", "init -f third.ledger -O json"),
    "lead touch": (
        'lead touch "Eta AB" --channel talk --content "Keynote" --campaign spring --on 2026-03-01',
        'lead touch "Eta AB" --channel article --on 2026-03-02 -O json',
    ),
    "lead capture": (
        'lead capture "Eta AB" --source outbound --owner kim --recurring 50 --every quarter --term 24 --on 2026-03-05',
        'lead capture --on 2026-03-05 --amount "EUR 12.5" --expected-close 2026-06-30 "Eta AB" -O json',
    ),
    "lead contact": (
        "lead contact epsilon --channel mail --outcome no-answer --on 2026-03-16",
        "lead contact epsilon --channel mail --on 2026-03-16 -O json",
    ),
    "lead qualify": ("lead qualify epsilon --use-case billing --budget 20k", "lead qualify delta --dry-run -O json"),
    "lead disqualify": (
        'lead disqualify epsilon --reason "too small" --dry-run',
        'lead disqualify epsilon --reason "too small" -O json',
    ),
    "lead hand-over": ("lead hand-over delta --to ann --on 2026-02-03", "lead hand-over beta --to lee -O json"),
    "lead accept": ("lead accept delta", "lead hand-over delta --to ann --on 2026-02-03", "lead accept delta -O json"),
    "lead reject": (
        "lead hand-over delta --to ann --on 2026-02-03",
        'lead reject delta --reason "not mine" --on 2026-02-04 --dry-run',
        'lead reject delta --reason "not mine" --on 2026-02-04 -O json',
    ),
    "meeting hold": (
        'meeting hold delta --kind visit --attendees 2 --pain "slow" --pain "dear"',
        "meeting hold delta -O json",
    ),
    "trial start": ("trial start delta --product Pro --on 2026-03-01", "trial start beta -O json"),
    "trial end": (
        "trial start delta --product Pro --on 2026-03-01",
        "trial end delta --outcome happy --on 2026-03-15 --dry-run",
        "trial end delta --outcome happy --on 2026-03-15 -O json",
    ),
    "deal advance": ("deal advance delta negotiation", "deal advance delta meeting --on 2026-03-01 -O json"),
    "deal move": (
        "process define --template license --on 2026-03-01",
        "deal move delta license --on 2026-03-02",
        "deal move delta license --on 2026-03-03",
        "deal move beta lic --stage quote --on 2026-03-02 -O json",
    ),
    "deal sell": (
        'deal sell "Walk-in" --amount 19.90 --list 25 --terms cash --on 2026-03-20',
        "process define --template counter --on 2026-03-01",
        'deal sell "Walk-in" --amount 5 --on 2026-03-21 -O json',
        'deal sell "Walk-in" --on 2026-03-21',
    ),
    "deal revise": (
        "deal revise epsilon --owner kim --category best-case --expected-close 2026-05-31",
        "deal revise epsilon --amount 1000 -O json",
    ),
    "deal offer": (
        "deal offer delta --amount 6500 --list 7000 --terms 'net 30' --on 2026-03-03",
        "deal offer delta --counter --amount 6000 --on 2026-03-05 -O json",
    ),
    "deal paperwork": ("deal paperwork delta --kind order-form", "deal paperwork delta -O json"),
    "deal win": (
        "deal win delta --on 2026-03-20 --dry-run",
        "deal win delta --amount 6800 --list 7000 --on 2026-03-20 -O json",
        "deal win beta --recurring 50 --on 2026-03-20 --dry-run",
        "deal revise beta --account acme --on 2026-03-19",
        "deal win beta --recurring 50 --on 2026-03-20",
    ),
    "deal lose": (
        "deal lose delta --reason price --competitor Rival --on 2026-03-20",
        "deal lose beta --reason timing --on 2026-03-20 -O json",
    ),
    "deal reopen": (
        "deal reopen gamma --stage proposal --reason 'second thoughts'",
        "deal reopen zeta --dry-run -O json",
        "deal revise beta --account acme --on 2026-03-19",
        "deal win beta --recurring 50 --on 2026-03-20",
        "deal reopen beta --reason 'the order was withdrawn' --on 2026-03-22",
    ),
    "account open": (
        'account open "Gamma SA" --attr size=40',
        'account open "Gamma SA"',
        'account open "Gamma SA" --id gamma-madrid -O json',
    ),
    "account note": (
        "account note acme repair --weight 4 --evidence 7 --note 'keeps its machines for long' --on 2026-03-01",
        "account note acme price --weight 2 --on 2026-03-01 -O json",
    ),
    "account list": ("account list", "account list won_deals:'>0'", "account list -O json"),
    "account show": (
        "account show acme",
        "deal revise acme --account acme --on 2026-02-20",
        "account note acme repair --weight 4 --on 2026-03-01",
        "account note acme uptime --weight 1 --note 'one shift' --on 2026-03-02",
        "service open acme --kind broken-equipment --product Pro --on 2026-03-10",
        "service rate acme --score 9 --on 2026-03-12",
        "account show acme",
        "account show acme --as-of 2026-03-01",
        "account show acme --as-of 2026-02-01",
        "account show acme -O json",
        "account show acme --as-of 2026-03-01 -O jsonl",
    ),
    "account contact": (
        'person add "Ann Example"',
        "account contact acme ann --role champion --on 2026-03-01",
        "account contact acme p-1 --remove --on 2026-03-10 -O json",
        "account contact acme nobody",
    ),
    "person add": (
        'person add "Ann Example" --email ann@example.org --account acme --role champion --on 2026-03-01',
        'person add "Bob Example" --phone "+49 30 1" --on 2026-03-01 -O json',
        'person add "Bob Example" --role champion',
    ),
    "person revise": (
        'person add "Ann Example" --on 2026-03-01',
        'person revise ann --name "Ann Married" --position "head of IT" --on 2026-03-05',
        "person revise p-1 --email a@example.org --dry-run -O json",
        "person revise p-1",
    ),
    "person list": (*KNOWN, "person list", "person list name:bob -O json", "person list --as-of 2026-02-01"),
    "person show": (*KNOWN, "person show bob", "person show p-1 -O json", "person show example"),
    "person export": (*KNOWN, "person export ann"),
    "person forget": (
        *KNOWN,
        "person forget \"Ann Example\" --reason 'asked to'",
        "person forget \"Ann Example\" --reason 'asked to' --yes",
        "person list",
        "person export p-1",
        "person show ann",
        "person revise p-1 --phone 1",
        "person forget p-2 --reason 'left the company' --dry-run -O json",
    ),
    "subscription start": (
        "subscription start acme --recurring 100 --every month --term 12 --product Pro --on 2026-02-21",
        "subscription start acme --recurring '1200 EUR' --every year --deal acme --on 2026-03-01 -O json",
    ),
    "subscription renew": (
        "subscription start acme --recurring 100 --term 1 --product Pro --on 2026-02-20",
        "subscription renew acme pro --on 2026-03-20",
        "subscription renew acme pro --recurring 110 --term 12 --dry-run -O json",
    ),
    "subscription change": (
        "subscription start acme --recurring 300 --every quarter --product Pro --on 2026-02-20",
        "subscription change acme pro --recurring 360 --reason upsell --on 2026-03-01",
        "subscription change acme plus --recurring 1",
        "subscription change acme pro --recurring 100 --every month -O json",
    ),
    "subscription cancel": (
        "subscription start acme --recurring 100 --product Pro --on 2026-02-20",
        "subscription cancel acme pro --reason price --competitor Rival --dry-run",
        "subscription cancel acme pro --reason price --on 2026-03-20 -O json",
        "subscription cancel acme pro",
    ),
    "referral ask": ("referral ask acme --names 2 --cards 5", "referral ask acme --cards 1 -O json"),
    "referral give": (
        'referral give acme "Theta KG" --owner kim --on 2026-03-10',
        'referral give acme "Iota Srl" --on 2026-03-11 -O json',
    ),
    "process define": (
        "process define licence.toml",
        "process define licence.toml -O json",
        "process define --template counter",
    ),
    "process show": (
        "process show",
        "process show b2b -O json",
        "process define --template license",
        "process show license",
        "process show license --part criteria",
        "process show license --part reasons -O json",
    ),
    "process template": ("process template", "process template counter", "process template -O json"),
    "service open": (
        "service open acme --kind broken-equipment --on 2026-03-01",
        "account note acme repair --weight 4 --on 2026-03-02",
        "service open acme --kind broken-equipment --product Pro --subject 'the sorter' --on 2026-03-10",
        "service open acme --kind question --on 2026-03-10 -O json",
    ),
    "service resolve": (
        "account note acme uptime --weight 4 --on 2026-03-02",
        "service open acme --kind broken-equipment --on 2026-03-10",
        "service resolve acme broken-equipment --resolution replace --on 2026-03-12 --dry-run",
        "service resolve acme broken-equipment --resolution repair --on 2026-03-12",
        "service resolve acme another --resolution repair -O json",
    ),
    "service rate": (
        "service rate acme --score 9 --channel survey --on 2026-03-12",
        "service rate acme --score 3 --on 2026-03-13 -O json",
    ),
    "target set": (
        "target set --owner kim -p 2026Q1 9000 --on 2026-01-05",
        'target set --team North -p 2026 "90000 EUR" --on 2026-01-05 --dry-run',
        "target set -p 2026Q1 20000 EUR --on 2026-01-05 -O json",
    ),
    "rate set": (
        "rate set USD 0.92 --on 2026-01-01",
        "rate set USD 0.88 --on 2026-02-01 -O json",
        "rate set EUR 1",
        "rate set XYZ 1",
    ),
    "rate list": (
        "rate set USD 0.92 --on 2026-01-01",
        "rate set USD 0.88 --on 2026-02-01",
        'deal revise delta --amount "8000 USD" --on 2026-02-03',
        "rate list",
        "rate list --as-of 2026-01-15 -O json",
        "pipeline",
        "deals source:event",
        "pipeline --as-of 2025-12-31",
    ),
    "void": (
        "void 24 --reason 'was another deal'",
        "void 30 --reason 'it was right' -O json",
        "void 4 --reason 'a typing error' --dry-run",
        "void 5 --reason 'a typing error'",
        "void 14 --reason 'another company'",
        "void 2 --reason 'other stages'",
        "deal revise beta --account acme --on 2026-03-19",
        "deal win beta --recurring 50 --on 2026-03-20",
        "void 33 --reason 'the order was withdrawn'",
        "void 33 --reason 'the order was withdrawn' --with-subscription --dry-run",
        "void 33 --reason 'the order was withdrawn' --with-subscription",
    ),
    "correct": (
        "correct 16 --reason typo --set amount=950 --unset owner",
        "correct 22 --reason 'wrong day' --on 2026-02-12 -O json",
        "deal revise beta --account acme --on 2026-03-19",
        "deal win beta --recurring 50 --on 2026-03-20",
        "correct 35 --reason 'a discount' --set recurring_amount=40 --set term_months=24",
    ),
    "record": ("record events.jsonl", "record events.jsonl --dry-run", "record events.jsonl -O json"),
    "pipeline": (
        "pipeline",
        "pipeline --as-of 2026-02-02 --by owner",
        "pipeline --as-of 2026-02-02 -O json",
        "pipeline -M -b 2026-01-01 -e 2026-03-01",
        "pipeline -p 2026Q1 owner:kim",
        "pipeline 2026Q1",
    ),
    "deals": (
        "deals --open",
        "deals owner:kim not:source:event",
        "deals --all --by source",
        "deals -O json amt:'>1000'",
    ),
    "leads": (
        "leads",
        "leads --by owner",
        "leads source:referral -O json",
        "process define licence.toml",
        "leads --criteria licence/1 not:judged:unknown",
        "leads --criteria licence/1 --by owner",
        "leads --criteria licence/1 judged:met -O json",
        "leads --criteria 3",
    ),
    "metrics": ("metrics -M", "metrics -p 2026Q1 --by source", "metrics -p 2026 -Q -O json"),
    "funnel": ("funnel", "funnel -p 2026-01 -O json"),
    "falling": ("falling", "falling -M --by owner -O json"),
    "map": (
        "deal advance delta negotiation --on 2026-02-03",
        "deal advance delta meeting --on 2026-02-08",
        "deal reopen gamma --on 2026-02-20",
        "map",
        "map b2b -p 2026-01 source:event -O json",
    ),
    "blocked": ("blocked", "blocked --by product", "blocked stage:lead -O json"),
    "bookings": ("bookings", "bookings -Q --by owner", "bookings --known-at 2026-07-31", "bookings -p 2026Q1 -O json"),
    "referrals": (
        "referrals",
        'account open "Beta AG" --on 2026-03-01',
        "deal revise beta --account beta --on 2026-03-01",
        'referral give beta "Eta AB" --amount 1200 --on 2026-03-05',
        "deal win eta --on 2026-03-20",
        "referrals -M",
        "referrals --share -p 2026Q1",
        "referrals --share --by owner",
        "referrals --tree",
        "referrals --tree beta -O md",
        "referrals won:'>0' -O json",
        "referrals --tree acme -O json",
        "referrals --tree -Q",
    ),
    "cases": (
        "service open acme --kind question --on 2026-03-01",
        "account note acme price --weight 3 --on 2026-03-02",
        "service open acme --kind broken-equipment --on 2026-03-10",
        "service resolve acme broken-equipment --resolution repair --on 2026-03-12",
        "cases",
        "cases --open",
        "cases kind:broken -O json",
    ),
    "satisfaction": (
        "service rate acme --score 9 --on 2026-02-25",
        "service rate acme --score 7 --on 2026-02-27",
        "service rate acme --score 2 --on 2026-03-12",
        "satisfaction",
        "satisfaction -M",
        "satisfaction -M -O json",
    ),
    "attainment": (
        "target set --owner ann -p 2026Q1 9000 --on 2026-01-05",
        "target set --owner kim -p 2026-02 3000 --on 2026-01-05",
        "target set -p 2026Q1 20000 --on 2026-01-05",
        "forecast call --owner ann -p 2026Q1 7000 --on 2026-02-01",
        "attainment",
        "attainment -Q",
        "attainment --known-at 2026-07-31 -p 2026Q1",
        "attainment who:ann -O json",
    ),
    "forecast": (
        "target set -p 2026Q3 20000 --on 2026-03-31",
        "forecast --model weighted_plain --today 2026-08-01",
        "forecast -p 2026-09 --model weighted_plain -O json --today 2026-08-01",
        "forecast -Y --model run_rate --today 2026-08-01",
        "forecast --by owner -p 2026Q3 --model weighted_plain --today 2026-08-01 -O json",
        "forecast --issue -p 2026Q3 --model weighted_plain --today 2026-08-01 -O json",
        "show issued_forecasts --today 2026-08-02 -O json",
        "forecast --issue -p 2026Q3 --model run_rate --today 2026-08-01",
        "forecast beta --today 2026-08-01",
        "forecast -p 2026Q1",
        "forecast -p 2026-08..2026-10",
        "forecast --as-of 2026-07-01",
        "forecast --known-at 2026-03-31",
        "forecast --issue --as-of 2026-08-01",
        "forecast beta -M",
    ),
    "forecast call": (
        "forecast call --owner kim -p 2026Q1 8000 --on 2026-02-01",
        "forecast call --owner kim -p 2026Q1 --category best-case 12000 --on 2026-02-01 -O json",
    ),
    "backtest": (
        "backtest --today 2026-08-01 --step day --model weighted_plain,run_rate",
        "backtest --today 2026-08-01 --step day --model weighted_plain --horizons 0,2 -M -O json",
        "backtest --today 2026-08-01 --step day --model weighted_plain --by weeks",
        "backtest -e 2026-01-01",
        "backtest -e 2027-01-01",
        "backtest --horizons all",
    ),
    "subscriptions": (*SUBSCRIBED, "subscriptions", "subscriptions --running product:Pro -O json"),
    "recurring": (*SUBSCRIBED, "recurring -M", "recurring -p 2026Q1 --by product", "recurring -M -p 2026-03 -O json"),
    "renewals": (*SUBSCRIBED, "renewals", "renewals --open", "renewals -p 2026-03 -O json"),
    "repeat": (
        "deal revise acme --account acme",
        'lead capture "ACME GmbH" --account acme --grown-from acme-gmbh --growth cross-sell --amount 300 --id more --on 2026-03-01',
        "deal win more --on 2026-03-20",
        "deal win delta --on 2026-03-21",
        "repeat",
        "repeat --overdue --as-of 2026-05-31",
        "repeat --share -M",
        "repeat --share --by product -O json",
        "repeat -O json",
    ),
    "diff": (
        "diff 2026-01-31 2026-03-10",
        "diff 2026-01-31 2026-03-10 --by owner",
        "diff 2026-01-31 2026-03-10 --deals source:event",
        "diff 2026-01-31 2026-03-10 -p 2026Q2",
        "diff 2026-01-31 2026-03-10 -O json",
        "diff 2026-03-10 2026-01-31",
    ),
    "handovers": (
        "lead hand-over delta --to ann --on 2026-02-03",
        "lead reject delta --reason 'too small' --on 2026-02-04",
        "lead hand-over delta --to ann --on 2026-02-06",
        "lead hand-over beta --to lee --on 2026-03-02",
        "handovers",
        "handovers -p 2026Q1 --by source -O json",
    ),
    "meetings": (
        "meeting hold delta --kind demo --pain slow --pain 'late invoices' --on 2026-02-05",
        "meetings",
        "meetings -p 2026Q1 -M --by owner",
        "meetings -O json",
    ),
    "pains": (
        "meeting hold delta --kind demo --pain slow --pain 'late invoices' --on 2026-02-05",
        "pains",
        "pains -p 2026-01 --by product",
        "pains -O json",
    ),
    "losses": (
        "deal lose delta --reason price --on 2026-03-10",
        "losses",
        "losses --by reason",
        "losses -M --by competitor",
        "losses -O json",
    ),
    "discounts": (
        "deal win delta --amount 6300 --list 7000 --terms 'net 30' --on 2026-03-10",
        "deal sell 'Walk-in' --amount 30 --list 25 --product Pro --on 2026-03-20",
        "discounts",
        "discounts --by product",
        "discounts -O json",
    ),
    "history": (
        "history gamma",
        "history account:acme",
        "history gamma -O json",
        "correct 16 --reason typo --set amount=950",
        "history beta",
        "history beta -O json",
        "history beta --as-known",
        "history beta --as-known --known-at 2026-07-31 -O json",
    ),
    "audit": (
        "audit gamma",
        "correct 16 --reason typo --set amount=950 --unset owner",
        "audit beta",
        "audit beta -O json",
    ),
    "lag": ("lag", "lag --by person -b 2026-01 --clock effective", "lag --by month type:captured -O json"),
    "log": (
        "log -n 3",
        "log entry:1..5",
        "log --as-of 2026-01-07 stream:deal",
        "log who:kim -p 2026-01 --clock effective -n 2",
        "log -p 2026-01",
        "log type:won -O json",
    ),
    "show": ("show stage_visits deal:acme", "show accounts -O json"),
    "query": (
        "query 'SELECT status, count(*) AS deals FROM deals GROUP BY status ORDER BY status'",
        "query 'SELECT deal FROM deals WHERE captured_at > $as_of - INTERVAL 30 DAY ORDER BY deal' -O json",
    ),
    "projections": ("projections", "projections pipeline -O json"),
    "check": ("check", "check -O json"),
    "import csv": (
        "import csv deals.csv --rules rules.toml",
        "import csv deals.csv --rules rules.toml --dry-run -O json",
    ),
    "export": ("export jsonl --upto 5", "export csv --upto 2 -o -", "export"),
    "backup": ("backup monday.ledger", "backup tuesday.ledger -O json", "backup monday.ledger"),
    "restore": (
        "backup monday.ledger",
        "-f tried.ledger restore monday.ledger",
        "-f again.ledger restore monday.ledger -O json",
        "restore monday.ledger",
        "-f new.ledger restore deals.csv",
    ),
    "migrate": ("migrate", "migrate -O json", "migrate --roles"),
    "seal": (
        "seal",
        'lead capture "Eta AB" --on 2026-03-05',
        "seal",
        "seal --new-key",
        "seal -o checkpoint.txt",
    ),
    "verify": (
        "verify",
        "seal -o checkpoint.txt",
        "verify --against checkpoint.txt -O json",
        "verify --public-key deals.csv",
    ),
    "prove": ("prove 5", "prove 5 -o proof.json", "seal -o old.txt", "prove --since old.txt", "prove", "prove 999"),
    "verify-proof": (
        "seal -o old.txt",
        "prove 5 --since old.txt -o proof.json",
        "verify-proof proof.json --against old.txt",
        "verify-proof proof.json -O json",
        "verify-proof deals.csv",
    ),
    "serve": (
        "serve --host 0.0.0.0",
        "serve --role king",
        "serve --token-file deals.csv",
        "-f elsewhere.ledger serve",
    ),
    "demo": ("demo --keep demo.ledger --quiet",),
    "completion": ("completion bash",),
}
"""The commands whose output is kept, by what they show: each begins with the same ledger."""


def told(line: str, done: Done) -> str:
    """A command and what it printed, as the golden file shows it."""
    lines = [f"$ salesledger {line}\n", done.out, *(f"! {complaint}\n" for complaint in done.err.splitlines())]
    return "".join(lines) + (f"[exit code {done.code}]\n" if done.code else "")


def test_every_command_has_a_golden_session() -> None:
    """None is missing, none is left over, each has an output as JSON where it prints rows."""
    assert set(SESSIONS) == set(commands())
    assert {file.stem.replace("_", " ") for file in GOLDEN.glob("*.txt")} == set(SESSIONS)
    for name, command in commands().items():
        if any("--output-format" in param.opts for param in command.params):
            assert any("-O json" in line for line in SESSIONS[name]), name


@pytest.mark.parametrize("name", SESSIONS)
def test_the_output_is_the_golden_one(name: str, console: Console) -> None:
    """Each command of the session prints what the file says."""
    session = "\n".join(told(line, console(line)) for line in SESSIONS[name])
    file = GOLDEN / f"{name.replace(' ', '_')}.txt"
    if os.environ.get("GOLDEN") == "update":
        file.parent.mkdir(exist_ok=True)
        file.write_text(session, encoding="utf-8")
    assert session == file.read_text(encoding="utf-8")
