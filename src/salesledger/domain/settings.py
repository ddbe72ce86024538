"""What holds for the whole ledger: its identity, its time zone, its currency."""

import re
from dataclasses import dataclass, replace
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

from salesledger.domain.events import Event
from salesledger.domain.values import Currency, Text

_SEAL_KEY = re.compile(r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}")


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


def to_seal_key(text: str) -> str:
    """Check the text of a public key, as far as its form goes.

    Raises:
        ValueError: it is none.
    """
    if not _SEAL_KEY.fullmatch(text):
        raise ValueError(f"{text!r} is not a public key; it is written NAME+ID+BASE64")
    return text


SealKey = Annotated[Text, AfterValidator(to_seal_key)]


class LedgerOpened(Event):
    """The ledger began.

    Attributes:
        ledger_id: a random id that tells this ledger from every other.
        timezone: the IANA zone in which its days begin and end; it never changes.
        seal_key: the public key of its seals, where it is sealed from the beginning.
    """

    TOPIC = "ledger-opened/1"
    STREAM = "settings"
    VOIDABLE = False

    ledger_id: Text
    timezone: Annotated[str, AfterValidator(to_timezone)]
    seal_key: SealKey | None = None


class SealKeySet(Event):
    """From this entry on, seals are signed with another key, or with one at all.

    Attributes:
        seal_key: the public key, as 'name+id+base64' (https://c2sp.org/signed-note).
    """

    TOPIC = "seal-key-set/1"
    STREAM = "settings"
    VOIDABLE = False

    seal_key: SealKey


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
    seal_key: str | None = None


def refuse(state: SettingsState, event: Event) -> str | None:
    """Why the event is impossible in this state, or None."""
    if isinstance(event, LedgerOpened):
        return "the ledger is open already" if state.ledger_id else None
    if isinstance(event, CurrencySet) and state.currency:
        return f"the ledger's currency is {state.currency} already"
    if isinstance(event, SealKeySet) and event.seal_key == state.seal_key:
        return "that key seals the ledger already"
    return None


def evolve(state: SettingsState, event: Event) -> SettingsState:
    """The state after the event."""
    if isinstance(event, LedgerOpened):
        return replace(state, ledger_id=event.ledger_id, timezone=event.timezone, seal_key=event.seal_key)
    if isinstance(event, CurrencySet):
        return replace(state, currency=event.currency)
    if isinstance(event, SealKeySet):
        return replace(state, seal_key=event.seal_key)
    return state
