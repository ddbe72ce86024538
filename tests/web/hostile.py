"""A ledger in which every text that can be recorded is an attack on whoever looks at it."""

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import AfterValidator

from salesledger.domain.events import event_types
from salesledger.domain.values import to_text
from support.console import Console, frozen
from support.ledgers import log_of

MARK = "</script></title></textarea></option><script>pwned()</script>"
ATTACK = (
    MARK + "\"'><img src=x onerror=pwned()><svg onload=pwned()><a href=javascript:pwned()>{{7*7}}{% raw %}${7*7}<!--"
    "\u202egnirts\u2066\u200b\x1b[31mred\x07\x9b0m\r\nSet-Cookie: a=b\u2028;]]>&lt;b&gt;\u0600"
)
"""Scripts, quotes, the ends of elements, templates' own marks, and characters that aren't seen but do something."""

_STORY = """
2026-01-04
init --timezone Europe/Berlin --currency EUR
rate set USD 0.92 --on 2026-01-01
process define process.toml --on 2026-01-03
target set --owner ann -p 2026Q1 9000 --on 2026-01-04
target set --team ~ -p 2026Q1 9000 --on 2026-01-04
forecast call --team ~ -p 2026Q1 7000 --on 2026-01-04

2026-02-26
lead touch ~company --id acme --channel ~ --content ~ --campaign ~ --on 2025-12-20
lead capture ~company --id acme --source ~ --campaign ~ --owner sue --team ~ --product ~ --segment ~ --attr ~=~ --on 2026-01-10
lead contact acme --channel ~ --outcome ~ --on 2026-01-12
lead qualify acme --use-case ~ --budget ~ --authority ~ --timing ~ --on 2026-01-13
lead hand-over acme --to ann --on 2026-01-14
lead accept acme --on 2026-01-15
meeting hold acme --kind ~ --attendees 3 --pain ~ --on 2026-01-20
trial start acme --product ~ --on 2026-01-21
trial end acme --outcome ~ --on 2026-01-30
deal offer acme --amount 4800 --recurring 100 --every month --term 12 --list 5200 --terms ~ --on 2026-02-01
account open ~company --id acme --attr ~=~ --on 2026-02-02
deal offer acme --counter --amount 4500 --terms ~ --on 2026-02-03
deal paperwork acme --kind ~ --on 2026-02-10
person add ~ --email ~ --phone ~ --position ~ --remark ~ --account acme --role ~ --on 2026-02-03
person add "Bob Example" --account acme --on 2026-02-03
deal revise acme --account acme --team ~ --product ~ --segment ~ --source ~ --campaign ~ --on 2026-02-05
deal win acme --amount 4500 --list 5000 --terms ~ --on 2026-02-20
subscription start acme --id sub --recurring 100 --every month --term 1 --product ~ --on 2026-02-20
referral ask acme --names 3 --cards 5 --on 2026-02-21
referral give acme ~company --id beta --owner ann --amount 900 --on 2026-02-25

2026-03-20
lead capture ~company --id gamma --source event --owner kim --amount "2500 USD" --product ~ --on 2026-01-05
lead qualify gamma --on 2026-01-08
meeting hold gamma --on 2026-01-15
deal lose gamma --reason ~ --competitor ~ --on 2026-02-10
lead capture "Delta Ltd" --id delta --source event --owner kim --amount 7000 --product ~ --on 2026-01-07
lead hand-over delta --to lee --on 2026-01-08
lead reject delta --reason ~ --on 2026-01-09
lead capture ~company --id zeta --source ~ --owner kim --amount 800 --on 2026-03-02
lead disqualify zeta --reason ~ --on 2026-03-09
account note acme repair --weight 4 --note ~ --on 2026-03-01
service open acme --id case --kind ~ --product ~ --subject ~ --on 2026-03-10
service resolve acme case --resolution ~ --on 2026-03-12
service rate acme --score 9 --channel ~ --on 2026-03-12
subscription change acme sub --recurring 150 --reason ~ --on 2026-03-10
person revise bob --name ~ --email ~ --phone ~ --position ~ --remark ~ --on 2026-03-15
lead capture ~company --id open --source ~ --product ~ --segment ~ --team ~ --owner ann --amount 5000 --on 2026-03-16

2026-07-10
deal reopen gamma --stage proposal --reason ~ --on 2026-05-20
subscription cancel acme sub --reason ~ --competitor ~ --on 2026-06-25
correct 11 --reason ~ --set channel=~
person add "To Forget" --account acme --on 2026-06-25

2026-07-13
person forget "To Forget" --reason ~ --yes
"""


def _process() -> str:
    text = '"' + "".join(f"\\U{ord(c):08x}" for c in ATTACK) + '"'
    return f"""
name = "odd"
title = {text}
loss_reasons = [{text}]
disqualify_reasons = [{text}]
[[stages]]
name = "inquiry"
entered_by = ["lead-captured"]
exit_criteria = [{text}]
probability = 0.1
[[criteria]]
attribute = {text}
one_of = [{text}]
[[criteria]]
attribute = {text}
none_of = [{text}]
"""


def make(folder: Path) -> Path:
    """Record it, through the command line."""
    (folder / "process.toml").write_text(_process(), encoding="utf-8")
    with frozen(Console(folder, {"SALESLEDGER_ACTOR": "kim", "SALESLEDGER_TODAY": "2026-07-13"})) as console:
        assert console.told is not None
        for line in _STORY.strip().splitlines():
            if line[:2] == "20":
                console.told.now = datetime.fromisoformat(line).replace(tzinfo=UTC) + timedelta(hours=12)
            elif line:
                words = [word.replace("~company", "~").replace("~", ATTACK) for word in shlex.split(line)]
                done = console(words)
                assert done.code == 0, (line, done)
    return console.ledger


COMPUTED = {"case-opened.suggestion_why", "ledger-opened.ledger_id", "ledger-opened.seal_key", "seal-key-set.seal_key"}
"""Texts that nobody gives."""


def text_fields() -> set[str]:
    """Every field of an event that holds a free text, as 'type.field'."""
    return {
        f"{name}.{field}"
        for name, event in event_types().items()
        for field, hint in get_type_hints(event, include_extras=True).items()
        if field in event.model_fields and _is_text(hint)
    }


def _is_text(hint: Any) -> bool:
    if isinstance(hint, AfterValidator):
        return hint.func is to_text
    if isinstance(hint, type) and hasattr(hint, "model_fields"):
        return any(_is_text(h) for h in get_type_hints(hint, include_extras=True).values())
    return any(_is_text(part) for part in get_args(hint))


def attacking_fields(path: Path) -> set[str]:
    """The fields of the log's events that hold an attack, as 'type.field'."""
    return {
        f"{logged.event.type_name()}.{name}"
        for logged in log_of(path)
        for name, value in logged.event.model_dump(mode="json").items()
        if MARK in str(value) or (name in logged.event.PERSONAL and value)
    }
