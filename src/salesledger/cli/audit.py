"""Commands that audit: a deal's story entry by entry, and how late things are recorded."""

import json
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.options import (
    by_one_of,
    clocked,
    completing,
    dated,
    emit,
    filtered,
    opened,
    printing,
    within,
)
from salesledger.cli.render import format_for, write
from salesledger.errors import NotFound
from salesledger.shown.about import stream_of
from salesledger.shown.escape import safe_text
from salesledger.shown.reports import counted, narrowed, to_rows, when
from salesledger.shown.values import money

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

_AUDIT = "SELECT * EXCLUDE (deal) FROM deal_audit WHERE deal = $deal_id ORDER BY effective_at, rank, entry, field"

_UNTOLD = ("process_version",)
"""What the story leaves out: the version goes with the process."""

_MONEY = ("amount", "recurring_amount", "list_amount")
_JSON = ("attributes", "pain_points", "persons")

_GROUPS = {
    "person": "recorded_by",
    "type": "type",
    "source_system": "source_system",
    "month": "strftime(CAST(timezone('{zone}', timezone('UTC', {clock}_at)) AS DATE), '%Y-%m')",
}

_LAG = """
    SELECT
        {group} AS "{by}",
        count(*) AS entries,
        quantile_disc(known_days, 0.5) AS known_median_days,
        quantile_disc(known_days, 0.9) AS known_p90_days,
        max(known_days) AS known_max_days,
        count(*) FILTER (WHERE known_days > 1) / count(*) AS known_late_share,
        quantile_disc(recorded_days, 0.5) AS recorded_median_days,
        quantile_disc(recorded_days, 0.9) AS recorded_p90_days,
        max(recorded_days) AS recorded_max_days,
        count(*) FILTER (WHERE recorded_days > 1) / count(*) AS recorded_late_share
    FROM ({entries})
    WHERE {condition}
    {grouping}
"""


@click.command("audit")
@click.argument("deal", shell_complete=completing("deal"))
@dated
@printing
@click.pass_context
def audit_command(ctx: click.Context, /, deal: str, **values: Any) -> None:
    """A deal's story: what each entry changed, by whom, and how late.

    In the order in which it happened: from what to what, who recorded it, when it was learned where that was later. What was
    struck out or corrected is told as such. The other formats have a row an entry and field.
    """
    format_, output = values.pop("format_"), values.pop("output")
    with opened(ctx) as ledger:
        found = ledger.find("deal", deal)
        question = stream_of(ledger.question(**values), "deal", found)
        answer = ledger.engine.ask(_AUDIT, question, {"deal_id": found})
        if not answer.rows:
            raise NotFound(f"Nothing had happened to the deal {found!r} {when(ledger, question)}.")
        if format_for(format_, output) != "table":
            emit(to_rows(answer), ledger, format_=format_, output=output, title=f"Audit of {found}")
            return
        entries = [list(rows) for _, rows in groupby(answer.dicts(), key=lambda row: row["entry"])]
        struck = sum(rows[0]["struck_by"] is not None for rows in entries)
        told = counted(len(entries), "entry", "entries") + (f", {struck} of them struck out" if struck else "")
        lines = [f"Audit of {found} {when(ledger, question)}: {told}."]
        for rows in entries:
            lines += ["", *_story(rows, ledger.zone)]
        write("".join(f"{safe_text(line)}\n" for line in lines), output)


def _story(rows: list[dict[str, Any]], zone: "ZoneInfo") -> list[str]:
    """What one entry says, in lines."""
    row = rows[0]
    lines = [f"{_told(row['effective_at'], zone)}  {row['type']}  (entry {row['entry']}, by {row['recorded_by']})"]
    if row["voids"] is not None:
        lines.append(
            f"    {'takes back the strike' if row['restores'] else 'strikes out entry'} {row['voids']}: {row['reason']}"
        )
    if row["struck_by"] is not None:
        on = _told(row["struck_at"], zone)[:10]
        lines.append(f"    STRUCK OUT by entry {row['struck_by']} on {on}: {row['reason']}")
    if row["replaces"] is not None:
        lines.append(f"    corrects entry {row['replaces']}")
    if row["late_days"] > 1:
        lines.append(f"    learned {_told(row['known_at'], zone)[:10]}, {row['late_days']:.1f} days later")
    if row["source_system"] is not None:
        lines.append(f"    from {row['source_system']}")
    return lines + [f"    {line}" for line in (_change(row, zone) for row in rows) if line]


def _change(row: dict[str, Any], zone: "ZoneInfo") -> str | None:
    """What an entry says of one field; nothing where that leaves it as it was."""
    name = row["field"]
    if name is None or name in _UNTOLD:
        return None
    if name == "effective_at":
        from datetime import datetime

        now, then = (_told(datetime.fromisoformat(row[column]), zone) for column in ("after", "corrected"))
        return f"happened on {now}, instead of {then}"
    before, after, corrected = (_value(name, row[column]) for column in ("before", "after", "corrected"))
    if row["replaces"] is not None:
        said = f"{name}: {after or 'nothing'}, instead of {corrected or 'nothing'}"
        return None if after == corrected else said
    if after is None or after == before:
        return None
    return f"{name}: {before} -> {after}" if before is not None else f"{name}: {after}"


def _value(name: str, text: str | None) -> str | None:
    """What a field holds, as people write it."""
    if text is None:
        return None
    if name in _MONEY:
        return money(Decimal(text))
    if name in _JSON:
        held = json.loads(text)
        return ", ".join(f"{k}: {v}" for k, v in held.items()) if isinstance(held, dict) else ", ".join(held)
    return text


def _told(instant: "datetime", zone: "ZoneInfo") -> str:
    from datetime import UTC

    return f"{instant.replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M}"


@click.command("lag")
@filtered
@clocked("known")
@dated
@by_one_of([*_GROUPS])
@printing
@click.pass_context
def lag_command(ctx: click.Context, /, filters: tuple[str, ...], by: str | None, **values: Any) -> None:
    """How late things become known and are recorded.

    known_: days from when something happened until it was known; recorded_: from then until it was recorded. late_share is
    what took longer than a day. What was struck out is left out. Filters choose entries: who:kim, type:won, source_system:crm.
    """
    format_, output = values.pop("format_"), values.pop("output")
    clock, *span = (values.pop(name) for name in ("clock", "period", "begin", "end"))
    with opened(ctx) as ledger:
        question = ledger.question(**values)
        condition, bounds = within(ledger, clock, *span)
        entries, parameters = narrowed(ledger, "SELECT * FROM lag", question, filters)
        group = "'all'" if by is None else _GROUPS[by].format(zone=ledger.zone.key, clock=clock)
        sql = _LAG.format(
            group=group,
            by=by or "group",
            entries=entries,
            condition=condition,
            grouping="HAVING count(*) > 0" if by is None else "GROUP BY 1 ORDER BY 1 NULLS LAST",
        )
        answer = ledger.engine.ask(sql, question, parameters | bounds)
        rows = to_rows(answer)
        if by is None:
            from salesledger.shown.values import chosen

            rows = chosen(rows, rows.columns[1:])
        emit(
            rows,
            ledger,
            format_=format_,
            output=output,
            title=f"How late it is known and recorded, {when(ledger, question)}",
            expendable=("recorded_median_days", "recorded_p90_days", "known_p90_days", "recorded_max_days"),
        )
