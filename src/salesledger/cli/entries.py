"""Commands about entries: void, correct, and record for machines."""

from typing import Any

import click

from salesledger.cli.lead import common_of
from salesledger.cli.options import on_date, opened, records
from salesledger.cli.outcomes import report
from salesledger.errors import UsageError


@click.command("void")
@click.argument("entry", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why.")
@records
@click.pass_context
def void_command(ctx: click.Context, /, entry: int, reason: str, **values: Any) -> None:
    """Strike out an entry.

    Nothing is removed: the entry stays on record, and so does the void. Voiding a void restores what it struck out.
    """
    common = common_of(values)
    format_, actor = common.pop("format_"), common.pop("actor")
    with opened(ctx, actor) as ledger:
        outcome = ledger.void(entry, reason, **common)
        report(ledger, [outcome], dry_run=common["dry_run"], format_=format_)


@click.command("correct")
@click.argument("entry", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why.")
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="What is right; repeatable.")
@click.option("--unset", multiple=True, metavar="FIELD", help="A field that should be empty; repeatable.")
@on_date
@records
@click.pass_context
def correct_command(
    ctx: click.Context, /, entry: int, reason: str, settings: tuple[str, ...], unset: tuple[str, ...], **values: Any
) -> None:
    """Put an entry right.

    The entry is struck out and its replacement recorded in one step. What is not given stays as it was, the date too.
    """
    common = common_of(values)
    format_, actor = common.pop("format_"), common.pop("actor")
    changes: dict[str, Any] = dict.fromkeys(unset)
    for pair in settings:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} is not of the form FIELD=VALUE, such as amount=4500. Nothing was recorded.")
        changes[name.replace("-", "_")] = value
    if "effective_at" in changes:
        common["on"] = changes.pop("effective_at")
    with opened(ctx, actor) as ledger:
        outcome = ledger.correct(entry, reason, changes, **common)
        report(ledger, [outcome], dry_run=common["dry_run"], format_=format_)


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
    if common["key"] is not None:
        raise UsageError('Give each line its own "key"; one for the whole file would fit only one of them.')
    with opened(ctx, common["actor"]) as ledger:
        from salesledger.exchange.json_lines import proposals

        groups = [[proposal] for proposal in proposals(ledger, file, actor=common["actor"])]
        outcomes = [outcome for group in ledger.record_all(groups, dry_run=common["dry_run"]) for outcome in group]
        if common["format_"]:
            report(ledger, outcomes, dry_run=common["dry_run"], format_=common["format_"])
            return
        before = sum(outcome.already for outcome in outcomes)
        said = "would be recorded" if common["dry_run"] else "recorded"
        click.echo(f"{len(outcomes)} lines: {len(outcomes) - before} {said}, {before} recorded before.")
