"""One deal's chance on a screen: how likely it is won or lost by the end of each week, and what speaks for and against it."""

from typing import TYPE_CHECKING

from salesledger.cli.forecast_screen import as_rows
from salesledger.cli.render import render, write
from salesledger.errors import Refused
from salesledger.shown.escape import safe_text

if TYPE_CHECKING:
    from datetime import date

    from salesledger.api import Ledger
    from salesledger.forecast.ask import Asked
    from salesledger.forecast.carriers import Reason

COLUMNS = ("deal", "week_ends_on", "won_chance", "lost_chance", "worth", "currency", "why")
_TOLD_WEEKS = (1, 2, 4, 8, 13, 26)
_REASONS = 6
_SAYS_NOTHING = 0.05


def show_outlook(ledger: "Ledger", asked: "Asked", deal: str, on: "date", format_: str, output: str | None) -> None:
    """Print what may become of a deal.

    Raises:
        Refused: it was not open on the day, or too little is known.
    """
    from datetime import timedelta

    from salesledger.forecast.carriers import Outlook
    from salesledger.forecast.rows import cents

    week = asked.said.week
    names = list(week.names.deals)
    if deal not in names:
        raise Refused(f"The deal {deal!r} was not known on {on}. Ask for a later day, with --as-of.")
    outlook = asked.hazard.outlook(week, names.index(deal))
    if not isinstance(outlook, Outlook):
        raise Refused(f"The chance of {deal!r} can't be told, because {outlook.why}.")
    why = "; ".join(_said(reason) for reason in outlook.reasons)
    rows: list[dict[str, object]] = [
        {
            "deal": deal,
            "week_ends_on": on + timedelta(weeks=number),
            "won_chance": float(won),
            "lost_chance": float(lost),
            "worth": cents(outlook.worth),
            "currency": ledger.head.currency,
            "why": why,
        }
        for number, (won, lost) in enumerate(zip(outlook.won, outlook.lost, strict=True), 1)
    ]
    if format_ not in ("table", "md"):
        write(render(as_rows(rows, COLUMNS), format_, zone=ledger.zone), output)
        return
    few = [row for number, row in enumerate(rows, 1) if number in _TOLD_WEEKS]
    shown = as_rows(few, ("week_ends_on", "won_chance", "lost_chance"))
    worth = "" if outlook.worth <= 0 else f", worth {rows[0]['worth']:,} {ledger.head.currency} if it is won"
    strong = [reason for reason in outlook.reasons if abs(reason.times - 1) >= _SAYS_NOTHING][:_REASONS]
    notes = [f"{_said(reason)}." for reason in strong]
    if strong:
        notes = ["How many times as likely a win within a week is as usual:", *notes]
    title = f"{deal} as of the end of {on}{worth}"
    write(render(shown, format_, zone=ledger.zone, title=safe_text(title), notes=notes), output)


def _said(reason: "Reason") -> str:
    return f"{reason.what} {reason.value}: {reason.times:.2f}"
