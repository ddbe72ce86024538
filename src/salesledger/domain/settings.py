"""What holds for the whole ledger: its identity, its time zone, its currency."""

from dataclasses import dataclass, replace
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

from salesledger.domain.events import Event
from salesledger.domain.values import Currency, Text


def to_timezone(name: str) -> str:
    """Check the name of an IANA time zone.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        if name in ("localtime", "posixrules", "Factory") or name.startswith(("posix/", "right/")):
            raise ValueError(name)  # other programs know none of these, or something else under the name
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise ValueError(f"{name!r} is not a time zone; write one like Europe/Berlin or UTC") from e
    return name


class LedgerOpened(Event):
    """The ledger began.

    Attributes:
        ledger_id: a random id that tells this ledger from every other.
        timezone: the IANA zone in which its days begin and end; it never changes.
    """

    TOPIC = "ledger-opened/1"
    STREAM = "settings"
    VOIDABLE = False

    ledger_id: Text
    timezone: Annotated[str, AfterValidator(to_timezone)]


class CurrencySet(Event):
    """The currency that the ledger's amounts are in: set by init, or by the first amount."""

    TOPIC = "currency-set/1"
    STREAM = "settings"
    VOIDABLE = False

    currency: Currency


@dataclass(frozen=True)
class SettingsState:
    """What holds for the ledger at a moment."""

    ledger_id: str | None = None
    timezone: str = "UTC"
    currency: str | None = None


def refuse(state: SettingsState, event: Event) -> str | None:
    """Why the event is impossible in this state, or None."""
    if isinstance(event, LedgerOpened):
        return "the ledger is open already" if state.ledger_id else None
    if isinstance(event, CurrencySet) and state.currency:
        return f"the ledger's currency is {state.currency} already"
    return None


def evolve(state: SettingsState, event: Event) -> SettingsState:
    """The state after the event."""
    if isinstance(event, LedgerOpened):
        return replace(state, ledger_id=event.ledger_id, timezone=event.timezone)
    if isinstance(event, CurrencySet):
        return replace(state, currency=event.currency)
    return state
