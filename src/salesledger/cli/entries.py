"""Commands about entries: void, correct, and record for machines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.money import check_clear
from salesledger.cli.options import Whole, records
from salesledger.cli.outcomes import common_of, recording
from salesledger.errors import NOTHING_RECORDED, UsageError

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.ledger.batch import Outcome


_AMOUNTS = {"amount", "recurring_amount", "list_amount"}


@click.command("void")
@click.argument("entry", type=Whole(min=1))
@click.option("--reason", required=True, help="Why.")
@click.option("--with-subscription", is_flag=True, help="Of a win: strike out what it did to subscriptions too.")
@records
@click.pass_context
def void_command(ctx: click.Context, /, entry: int, reason: str, with_subscription: bool, **values: Any) -> None:
    """Strike out an entry.

    Nothing is removed: the entry stays on record, and so does the void. Voiding a void restores what it struck out. What
    other entries depend on is not struck out; they are listed instead. Where a lead still names a referral that was struck out, a
    note has the command that puts it right.
    """
    common = common_of(values)
    told: list[str] = []
    notes: list[str] = []

    def work(ledger: "Ledger") -> Sequence["Outcome"]:
        if with_subscription:
            outcomes: Sequence[Outcome] = ledger.void_win(entry, reason, **common.given)
        else:
            outcomes = [ledger.void(entry, reason, **common.given)]
        told.extend(_consequences(ledger, outcomes, dry_run=common.dry_run))
        notes.extend(_left_as_it_was(ledger, outcomes))
        return outcomes

    recording(ctx, common, work, comment=lambda _: "  ".join(told), notes=notes)


def _left_as_it_was(ledger: "Ledger", outcomes: Sequence["Outcome"]) -> list[str]:
    from salesledger.ledger.follow_up import left_as_it_was

    recorded = [record for outcome in outcomes for record in outcome.recorded]
    return left_as_it_was(ledger.store, recorded, ledger.zone)


def _consequences(ledger: "Ledger", outcomes: Sequence["Outcome"], *, dry_run: bool) -> list[str]:
    """What the voids do, a sentence each."""
    from salesledger.domain.events import EventVoided

    sentences = []
    for event in (outcome.recorded[0].event for outcome in outcomes):
        assert isinstance(event, EventVoided)
        root = ledger.store.entry(event.void_root)
        on = root.event.effective_at.astimezone(ledger.zone).date().isoformat()
        verb = ("Would strike out" if dry_run else "Struck out") if event.strikes else None
        verb = verb or ("Would restore" if dry_run else "Restored")
        sentences.append(f"{verb} entry {root.entry}: {root.event.type_name()} of {root.stream} on {on}.")
    return sentences


@click.command("correct")
@click.argument("entry", type=Whole(min=1))
@click.option("--reason", required=True, help="Why.")
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="What is right; repeatable.")
@click.option("--unset", multiple=True, metavar="FIELD", help="A field that should be empty; repeatable.")
@click.option("--on", metavar="DATE", help="When it really happened.  [default: the date of the entry]")
@records
@click.pass_context
def correct_command(
    ctx: click.Context, /, entry: int, reason: str, settings: tuple[str, ...], unset: tuple[str, ...], **values: Any
) -> None:
    """Put an entry right.

    The entry is struck out and its replacement recorded in one step. What is not given stays as it was, the date too. So does the
    subscription that a win brought: a note has the command that puts it right.
    """
    common = common_of(values)
    changes: dict[str, Any] = {name.replace("-", "_"): None for name in unset}
    for pair in settings:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} is not of the form FIELD=VALUE, such as amount=4500. {NOTHING_RECORDED}")
        changes[name.strip().replace("-", "_")] = _value(pair, value)
    for name in _AMOUNTS & set(changes):
        if isinstance(changes[name], str):
            check_clear(changes[name], changes.get("currency"))
    for name in ("effective_at", "on"):
        if changes.get(name):
            common.given["on"] = changes.pop(name)
    notes: list[str] = []

    def work(ledger: "Ledger") -> list["Outcome"]:
        outcomes = [ledger.correct(entry, reason, changes, **common.given)]
        notes.extend(_left_as_it_was(ledger, outcomes))
        return outcomes

    recording(ctx, common, work, notes=notes)


def _value(pair: str, text: str) -> Any:
    """A field's value: text, or a list or an object written as JSON."""
    if not text.startswith(("[", "{")):
        return text
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError) as e:
        raise UsageError(f"{pair!r} holds broken JSON: {e}. {NOTHING_RECORDED}") from e


@click.command("record")
@click.argument("file", type=click.File("rb", lazy=False))
@records
@click.pass_context
def record_command(ctx: click.Context, /, file: Any, **values: Any) -> None:
    """Record any events, as JSON lines ('-' reads standard input).

    Each line is an object: its "type", the "deal" (or "account", "process") that it is about, "on" for its date, and the
    event's own fields. All lines are recorded, or none. Give each line a "key", and running it again changes nothing.
    """
    common = common_of(values)
    if common.given.pop("key") is not None:
        raise UsageError(
            f'Give each line its own "key"; one for the whole file would fit only one of them. {NOTHING_RECORDED}'
        )

    def work(ledger: "Ledger") -> list["Outcome"]:
        from salesledger.exchange.json_lines import record_lines

        return record_lines(ledger, file, actor=common.actor, dry_run=common.dry_run)

    def summary(outcomes: Sequence["Outcome"]) -> str:
        before = sum(outcome.already for outcome in outcomes)
        said = "would be recorded" if common.dry_run else "recorded"
        lines = "1 line" if len(outcomes) == 1 else f"{len(outcomes)} lines"
        return f"{lines}: {len(outcomes) - before} {said}, {before} recorded before."

    recording(ctx, common, work, summary)
