"""From plain fields, as a command line or a JSON line gives them, to an event."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from salesledger.domain.events import Event, EventVoided, event_types
from salesledger.errors import NOTHING_RECORDED, BadValue

MONEY = ("amount", "recurring_amount")
"""The fields that need a currency beside them."""
_SET_BY_THE_LEDGER = ("rank", "replaces")


def event_class(type_name: str) -> type[Event]:
    """The class of a type of event.

    Raises:
        BadValue: there is no such type, or it is one that only 'void' and 'init' make.
    """
    types = {name: cls for name, cls in event_types().items() if cls is not EventVoided and cls.STREAM != "settings"}
    if type_name in types:
        return types[type_name]
    close = get_close_matches(type_name, types, 1)
    hint = f"Did you mean {close[0]!r}?" if close else f"The types are: {', '.join(sorted(types))}."
    raise BadValue(f"There is no type of event {type_name!r} that can be recorded. {hint} {NOTHING_RECORDED}")


def build_event(type_name: str, fields: Mapping[str, Any], *, currency: str | None) -> Event:
    """Build an event and check every value.

    Args:
        type_name: such as 'deal-won'.
        fields: the event's fields; None counts as absent.
        currency: the ledger's currency, for amounts that name none.

    Raises:
        BadValue: an unknown field, or a value that the field can't hold.
    """
    cls = event_class(type_name)
    given = {name: value for name, value in fields.items() if value is not None}
    for name in given:
        if name not in cls.model_fields or name in _SET_BY_THE_LEDGER:
            usable = [f for f in cls.model_fields if f not in _SET_BY_THE_LEDGER]
            close = get_close_matches(name, usable, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"It has: {', '.join(usable)}."
            raise BadValue(f"{type_name} has no field {name!r}. {hint} {NOTHING_RECORDED}")
    if "currency" in cls.model_fields and "currency" not in given and any(name in given for name in MONEY):
        if currency is None:
            raise BadValue(
                f"An amount needs a currency, and this ledger has none yet. Give --currency EUR once; it then holds for all. "
                f"{NOTHING_RECORDED}"
            )
        given["currency"] = currency
    try:
        return cls.model_validate(given)
    except ValidationError as e:
        raise BadValue(f"{describe(e, type_name, cls.PERSONAL)} {NOTHING_RECORDED}") from (None if cls.PERSONAL else e)


def describe(error: ValidationError, what: str, secret: Collection[str] = ()) -> str:
    """The first thing that is wrong, in a sentence; the values of fields that are secret aren't told."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part != "function-plain")
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"{what} needs {place!r}."
    if first["type"] == "extra_forbidden":
        return f"{what}: there is no field {place!r}."
    message = message.replace("Input should", "it should", 1)
    where = f"{what}: {place}" if place else what
    value = first.get("input")
    is_told = place and first["type"] != "value_error" and not {str(part) for part in first["loc"]} & set(secret)
    shown = f" (it was {_short(value)})" if is_told else ""
    return f"{where}: {message}{shown}."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
