"""A forecast on a screen: a row a period or part, the deals that carry it, and what is to be said of the models."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from salesledger.cli.layout import fitted
from salesledger.cli.options import terminal_width
from salesledger.cli.render import render, write
from salesledger.shown.escape import safe_text
from salesledger.shown.reports import counted
from salesledger.shown.values import Rows, chosen

if TYPE_CHECKING:
    from datetime import datetime

    from salesledger.api import Ledger
    from salesledger.forecast.ask import Asked
    from salesledger.forecast.rows import Told

SHOWN = 10
"""How many deals are listed."""

_TYPES = {
    **dict.fromkeys(("horizon_days", "won_deals", "open_deals", "weeks", "entry"), "BIGINT"),
    **dict.fromkeys(("noise_floor", "quota_chance", "chance", "won_chance", "lost_chance"), "DOUBLE"),
    **dict.fromkeys(("period", "model", "currency", "why", "note", "group", "deal", "stage", "owner"), "VARCHAR"),
    **dict.fromkeys(("origin", "week_ends_on"), "DATE"),
}
_UNSHOWN = ("model", "origin", "why", "note", "renewals_due", "renewals_expected")
_EXPENDABLE = (
    *("won_deals", "open_deals", "lo-95", "hi-95", "one_off", "recurring", "noise_floor", "median", "horizon_days"),
    *("new", "open", "gap", "quota", "quota_chance"),
)


def as_rows(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> Rows:
    """Rows by key as rows to print."""
    types = [_TYPES.get(name, "DECIMAL(38, 2)") for name in columns]
    return Rows(list(columns), types, [tuple(row.get(name) for name in columns) for row in rows])


def show_forecast(
    ledger: "Ledger",
    asked: "Asked",
    told: "Sequence[Told]",
    at: "datetime",
    upto: int | None,
    *,
    by: str | None,
    entries: Sequence[int],
    format_: str,
    output: str | None,
) -> None:
    """Print a forecast, whole or divided."""
    from salesledger.forecast.ask import facts
    from salesledger.forecast.figures import COLUMNS, row_of

    known = facts(ledger.engine, at, [each.span for each in told], upto)
    whole = [row_of(each, known[each.span.label], asked, ledger.head.currency) for each in told]
    for row, entry in zip(whole, entries, strict=False):
        row["entry"] = entry
    columns = (*COLUMNS, "entry") if entries else COLUMNS
    if by is None:
        rows = as_rows(whole, columns)
    else:
        from salesledger.forecast.shares import COLUMNS as SHARED

        rows = as_rows(_divided(ledger, asked, told, at, upto, by), SHARED)
    if format_ not in ("table", "md"):
        write(render(rows, format_, zone=ledger.zone), output)
        return
    title = f"Forecast as of the end of {told[0].origin}, by {told[0].model}"
    shown = chosen(rows, [name for name in rows.columns if name not in _UNSHOWN])
    if by is not None:
        shown = Rows([by if name == "group" else name for name in shown.columns], shown.types, shown.rows)
    parts = [_table(ledger, shown, format_, output, title, _notes(whole, entries), _EXPENDABLE)]
    if by is None and (carrying := _carrying(asked, told[0], ledger.head.currency)):
        parts.append(_table(ledger, carrying[0], format_, output, carrying[1], [], ("owner", "weeks", "worth")))
    write("\n".join(parts), output)


def _table(
    ledger: "Ledger",
    rows: Rows,
    format_: str,
    output: str | None,
    title: str,
    notes: Sequence[str],
    expendable: Sequence[str],
) -> str:
    width = terminal_width(output)
    if width is not None and format_ == "table":
        from textwrap import wrap

        rows, left_out = fitted(rows, width, expendable, zone=ledger.zone)
        if left_out:
            notes = [*notes, f"Left out for want of room: {', '.join(left_out)} (-O json has everything)."]
        notes = [line for note in notes for line in wrap(note, width)]
    return render(rows, format_, zone=ledger.zone, title=safe_text(title), notes=notes, width=width)


def _notes(whole: Sequence[Mapping[str, Any]], entries: Sequence[int]) -> list[str]:
    notes = []
    for row in whole:
        said = [row["why"], row["note"]]
        if row["noise_floor"] is not None:
            said.append(f"even who knew every chance would be off by up to {row['noise_floor']:.0%} four times in five")
        if row["renewals_due"]:
            due = f"renewals due, which are no bookings: {row['renewals_due']:,.2f} {row['currency']} a year"
            expected = row["renewals_expected"]
            said.append(
                due + (f", {expected:,.2f} if as many are renewed as in the past year" if expected is not None else "")
            )
        notes += [f"{row['period']}: {text}." for text in said if text]
    if entries:
        notes.append(f"Issued: {counted(len(entries), 'entry', 'entries')}, {', '.join(map(str, entries))}.")
    return notes


def _divided(
    ledger: "Ledger", asked: "Asked", told: "Sequence[Told]", at: "datetime", upto: int | None, by: str
) -> list[dict[str, object]]:
    """The parts of each period that can be told."""
    from salesledger.forecast.ask import facts, won_by
    from salesledger.forecast.distribution import Forecast
    from salesledger.forecast.figures import carriers_of, parts_of
    from salesledger.forecast.shares import divide

    known = facts(ledger.engine, at, [each.span for each in told], upto)
    won = won_by(ledger.engine, at, [each.span for each in told], by, upto)
    rows: list[dict[str, object]] = []
    for each in told:
        if not isinstance(each.answer, Forecast):
            continue
        carriers, _ = carriers_of(asked, each.span)
        parts = parts_of(each.answer, known[each.span.label], carriers, asked.said.week, each.span)
        given = {
            "period": each.span.label,
            "model": each.model,
            "origin": each.origin,
            "currency": ledger.head.currency,
        }
        rows += [given | row for row in divide(by, parts, carriers, asked.said.week, won.get(each.span.label, {}))]
    return rows


def _carrying(asked: "Asked", told: "Told", currency: str | None) -> tuple[Rows, str] | None:
    """The deals that bring most, by the hazard model, and a line above them."""
    import numpy as np

    from salesledger.forecast.figures import carriers_of
    from salesledger.forecast.rows import cents

    carriers, is_hazard = carriers_of(asked, told.span)
    names = asked.said.week.names
    rows = []
    for place in np.argsort(-carriers.expected, kind="stable")[:SHOWN]:
        if not carriers.expected[place] > 0:
            break
        deals = carriers.deals
        worth, expected = cents(float(carriers.worth[place])), cents(float(carriers.expected[place]))
        rows.append(
            {
                "deal": names.deals[int(deals.deal[place])],
                "stage": names.stages[int(deals.stage[place])][1],
                "weeks": int(deals.weeks[place]),
                "owner": names.words["owner"][int(deals.owner[place])] or None,
                "chance": float(carriers.chance[place]),
                "worth": worth,
                "expected": expected,
                "currency": currency,
                "if_won": worth - expected,
                "if_lost": Decimal(0) - expected,
            }
        )
    if not rows:
        return None
    said = "by the hazard model" if is_hazard else "by the default probabilities of the process"
    return as_rows(rows, list(rows[0])), f"The deals that carry {told.span.label}, {said}"
