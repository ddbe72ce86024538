"""Amounts on the command line: '5000', '5000 EUR', a recurring part with its interval and term."""

from typing import Any

import click

INTERVAL_MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}


def money_options(command: Any) -> Any:
    """Add the options that say what a deal is worth."""
    command = click.option(
        "--term", type=click.IntRange(1, 1200), metavar="MONTHS", help="Length of the first term.  [default: 12]"
    )(command)
    command = click.option(
        "--every", type=click.Choice(list(INTERVAL_MONTHS)), help="Interval of the recurring amount.  [default: month]"
    )(command)
    command = click.option("--recurring", metavar="AMOUNT", help="The recurring amount.")(command)
    command = click.option("--currency", metavar="CODE", help="Such as EUR.  [default: the ledger's]")(command)
    return click.option("--amount", metavar="AMOUNT", help="The one-off amount, such as 5000 or '5000 EUR'.")(command)


def money_fields(values: dict[str, Any]) -> dict[str, Any]:
    """Take the money options out of a command's options, and give the fields of an event."""
    amount, recurring = values.pop("amount", None), values.pop("recurring", None)
    every, term, currency = values.pop("every", None), values.pop("term", None), values.pop("currency", None)
    fields: dict[str, Any] = {}
    for name, text in (("amount", amount), ("recurring_amount", recurring)):
        if text is None:
            continue
        number, code = _split(text)
        fields[name] = number
        currency = currency or code
    if recurring is not None or every is not None or term is not None:
        fields["interval_months"] = INTERVAL_MONTHS[every or "month"]
        fields["term_months"] = term or max(12, fields["interval_months"])
    if currency is not None:
        fields["currency"] = currency
    return fields


def _split(text: str) -> tuple[str, str | None]:
    number, _, code = text.strip().partition(" ")
    if code.strip().isalpha():
        return number, code.strip().upper()
    return text, None
