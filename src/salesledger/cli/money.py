"""Amounts on the command line: '5000', '5000 EUR', a recurring part with its interval and term."""

import re
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.main import place_of
from salesledger.cli.options import Whole
from salesledger.domain.iso4217 import THOUSANDTHS
from salesledger.errors import NOTHING_RECORDED, UsageError
from salesledger.shown.values import money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesledger.ledger.batch import Outcome

INTERVAL_MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}

_SYMBOLS = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY", "₹": "INR"}
_GROUPED = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
"""What is thousands where a point separates them, and thousandths where it is the decimal point."""

_CODE_BEFORE = re.compile(r"(?P<code>[A-Za-z]{3})\s*(?P<number>[^A-Za-z\s]\S*)")
_CODE_BEHIND = re.compile(r"(?P<number>\S*[^A-Za-z\s])\s*(?P<code>[A-Za-z]{3})")


def money_options(command: Any) -> Any:
    """Add the options that say what a deal is worth."""
    for option in (
        click.option(
            "--term",
            type=Whole(1, 1200),
            metavar="MONTHS",
            help="Length of the first term.  [default: 12, or one interval]",
        ),
        click.option(
            "--every",
            type=click.Choice(list(INTERVAL_MONTHS)),
            help="Interval of the recurring amount.  [default: month]",
        ),
        click.option("--recurring", metavar="AMOUNT", help="The recurring amount, on top of the one-off one."),
        click.option("--currency", metavar="CODE", help="Such as EUR.  [default: the ledger's]"),
        click.option("--amount", metavar="AMOUNT", help="The one-off amount, such as 5000 or '5000 EUR'."),
    ):
        command = option(command)
    return command


def price_options(command: Any) -> Any:
    """Add the options of a price: what a deal is worth, what the list asks, the terms."""
    command = click.option("--terms", metavar="TEXT", help="Such as 'net 30'.")(command)
    command = click.option("--list", "list_amount", metavar="AMOUNT", help="What the list asks for the same.")(command)
    return money_options(command)


def price_fields(values: dict[str, Any]) -> dict[str, Any]:
    """Take the options of a price out of a command's options, and give the fields of an event.

    Raises:
        UsageError: they contradict each other.
    """
    listed, terms = values.pop("list_amount", None), values.pop("terms", None)
    return money_fields(values, listed) | ({"terms": terms} if terms is not None else {})


def money_fields(values: dict[str, Any], list_amount: str | None = None) -> dict[str, Any]:
    """Take the money options out of a command's options, and give the fields of an event.

    Raises:
        UsageError: they contradict each other, or an amount can be read in two ways.
    """
    amount, recurring = values.pop("amount", None), values.pop("recurring", None)
    every, term, currency = values.pop("every", None), values.pop("term", None), values.pop("currency", None)
    fields: dict[str, Any] = {}
    codes = [] if currency is None else [currency.upper()]
    for name, text in (("amount", amount), ("recurring_amount", recurring), ("list_amount", list_amount)):
        if text is not None:
            fields[name], code = _split(text)
            codes += [code] if code else []
    if len(set(codes)) > 1:
        raise UsageError(f"One event has one currency, not {' and '.join(dict.fromkeys(codes))}. {NOTHING_RECORDED}")
    for text in fields.values():
        check_clear(text, codes[0] if codes else None)
    if recurring is not None:
        fields["interval_months"] = INTERVAL_MONTHS[every or "month"]
        fields["term_months"] = term or max(12, fields["interval_months"])
    elif every is not None or term is not None:
        raise UsageError(f"--every and --term say how --recurring is paid; give its AMOUNT too. {NOTHING_RECORDED}")
    return fields | ({"currency": codes[0]} if codes else {})


def check_clear(text: str, currency: str | None) -> None:
    """Refuse an amount such as 12.000, which is twelve thousand to some and twelve to others.

    Args:
        text: the amount.
        currency: what it is in; the ledger's where absent.

    Raises:
        UsageError: it can be read in two ways; in a currency of thousandths it can't.
    """
    if not _GROUPED.fullmatch(text.strip()) or (currency or _currency_in_use()) in THOUSANDTHS:
        return
    whole, _, rest = text.strip().partition(".")
    decimals = f"{rest}0" if rest[2] != "0" else rest[:2]
    raise UsageError(
        f"{text!r} can mean {whole}{rest} or {whole}.{decimals}: write {whole}{rest} or {whole}.{decimals}. {NOTHING_RECORDED}"
    )


def _currency_in_use() -> str | None:
    from salesledger.readmodel.reader import Reader, to_path

    return Reader.open(to_path(place_of(click.get_current_context()))).head.currency


def below_list(outcomes: "Sequence[Outcome]") -> list[str]:
    """A note where a list price lies below what it is the list price of, which it hardly ever does."""
    for outcome in outcomes:
        for record in outcome.recorded:
            event: Any = record.event
            if getattr(event, "list_amount", None) is None:
                continue
            asked = event.amount or Decimal(0)
            if event.recurring_amount is not None:
                asked += event.recurring_amount * (event.term_months // event.interval_months)
            if (event.amount, event.recurring_amount) != (None, None) and event.list_amount < asked:
                listed, price = (
                    f"{money(each, event.currency)} {event.currency}" for each in (event.list_amount, asked)
                )
                return [
                    f"The list price of {listed} is below the price, {price}: 'discounts' will show less than nothing off."
                ]
    return []


def subscription_price_options(command: Any) -> Any:
    """Add the options that say what a subscription costs."""
    for option in (
        click.option("--currency", metavar="CODE", help="Such as EUR.  [default: the ledger's]"),
        click.option("--every", type=click.Choice(list(INTERVAL_MONTHS)), help="How often it is paid."),
        click.option("--recurring", metavar="AMOUNT", help="What is paid each time, such as 100 or '100 EUR'."),
    ):
        command = option(command)
    return command


def subscription_price_fields(values: dict[str, Any]) -> dict[str, Any]:
    """Take the price options out of a command's options, and give the fields of an event.

    Raises:
        UsageError: they contradict each other.
    """
    every = values["every"]
    fields = money_fields({name: values.pop(name) for name in ("recurring", "every", "currency")})
    fields.pop("term_months", None)
    if every is None:
        fields.pop("interval_months", None)
    return fields


def _split(text: str) -> tuple[str, str | None]:
    """The number and the currency of '5000 EUR' or 'EUR 5000'; whatever else it is goes on to the event, which judges it.

    Raises:
        UsageError: the currency is a symbol.
    """
    symbol = next((sign for sign in text if unicodedata.category(sign) == "Sc"), None)
    if symbol is not None:
        code = _SYMBOLS.get(symbol, "EUR")
        plain = " ".join(text.replace(symbol, " ").split())
        raise UsageError(
            f"{text!r} is not an amount; write it like 1250 or 1250.50, and the currency as three letters, such as "
            f"'{plain} {code}'. {NOTHING_RECORDED}"
        )
    match = _CODE_BEHIND.fullmatch(text.strip()) or _CODE_BEFORE.fullmatch(text.strip())
    return (match["number"], match["code"].upper()) if match else (text, None)
