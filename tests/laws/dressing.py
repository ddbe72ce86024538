"""What the events of random journeys say: each maker gives an event of its kind whose fields follow from a number."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from salesledger.domain.deal_events import DealEvent
from salesledger.domain.events import Event
from salesledger.domain.process import B2B
from support import happenings as h

AMOUNTS = ("0", "100", "0.0001", "33.3333", "2500.50", "99999999999999.9999")
FOREIGN = ("USD", "GBP")
STAGES = (*B2B.names, "trial")

Make = Callable[[datetime, datetime | None, int], Event]
"""When it happened, when it became known where that is not when it is recorded, and the number."""


def _pick(dress: int, place: int, *values: Any) -> Any:
    return values[(dress * 7919 + place * 104729) // 31 % len(values)]


def _price(dress: int) -> dict[str, Any]:
    monthly = {"recurring_amount": _pick(dress, 1, *AMOUNTS), "interval_months": 3, "term_months": 12}
    one_off = {"amount": _pick(dress, 0, *AMOUNTS)}
    return _pick(dress, 2, {}, one_off, one_off, monthly, one_off | monthly)  # type: ignore[no-any-return]


def _attributes(dress: int) -> dict[str, Any]:
    given = {
        "account": _pick(dress, 0, None, None, "x", "y"),
        "owner": _pick(dress, 1, None, "kim", "lee"),
        "team": _pick(dress, 2, None, None, "north"),
        "product": _pick(dress, 3, None, None, "gtx"),
        "source": _pick(dress, 2, None, "event", "referral"),
        "segment": _pick(dress, 1, None, None, "smb"),
        "campaign": _pick(dress, 3, None, None, "spring"),
        "expected_close": _pick(dress, 0, None, None, date(2026, 3, 31)),
        "category": _pick(dress, 2, None, None, "commit", "pipeline"),
    }
    return {name: value for name, value in given.items() if value is not None} | _price(dress)


def _stage(dress: int) -> dict[str, Any]:
    return _pick(dress, 3, {}, {}, {}, {"stage": STAGES[dress % len(STAGES)]})  # type: ignore[no-any-return]


def _lead_touched(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.touched(on, known_at=known, campaign=_pick(dress, 0, None, "autumn"))


def _lead_captured(on: datetime, known: datetime | None, dress: int) -> Event:
    facts = {"company": _pick(dress, 0, "Acme", "Beta"), "referred_by": _pick(dress, 3, None, None, "x")}
    grown = {"grown_from": _pick(dress, 2, None, None, "ann")}
    return h.captured(on, known_at=known, **facts, **grown, **_attributes(dress), **_stage(dress))


def _lead_contacted(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.contacted(on, known_at=known, **_stage(dress))


def _lead_qualified(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.qualified(on, known_at=known, **_stage(dress))


def _lead_disqualified(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.disqualified(on, known_at=known, reason=_pick(dress, 0, "no budget", "no need"))


def _lead_handed_over(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.handed_over(on, known_at=known, handed_to=_pick(dress, 0, "lee", "mia"))


def _lead_accepted(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.accepted(on, known_at=known, owner=_pick(dress, 0, None, "zoe"))


def _lead_rejected(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.rejected(on, known_at=known)


def _meeting_held(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.meeting(on, known_at=known, **_stage(dress))


def _trial_started(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.trial_started(on, known_at=known)


def _trial_ended(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.trial_ended(on, known_at=known)


def _deal_advanced(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.advanced(on, known_at=known, stage=STAGES[dress % len(STAGES)])


def _deal_revised(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.revised(on, known_at=known, **_attributes(dress))


def _offer_made(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.offered(on, known_at=known, **({"amount": "7"} | _price(dress)))


def _offer_countered(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.countered(on, known_at=known, **({"amount": "5"} | _price(dress)))


def _paperwork_sent(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.paperwork(on, known_at=known)


def _deal_won(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.won(on, known_at=known, **_price(dress))


def _deal_lost(on: datetime, known: datetime | None, dress: int) -> Event:
    told = {"reason": _pick(dress, 0, None, "price"), "competitor": _pick(dress, 1, None, "Rival")}
    return h.lost(on, known_at=known, **told)


def _deal_reopened(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.reopened(on, known_at=known, reason=_pick(dress, 0, None, "second thoughts"), **_stage(dress))


def _account_opened(on: datetime, known: datetime | None, dress: int) -> Event:
    facts = _pick(dress, 1, None, {"size": "50"}, {"size": "7", "sector": "wood"})
    return h.opened(on, known_at=known, company=_pick(dress, 0, "Acme", "Beta", "Zeta"), attributes=facts)


def _referral_asked(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.asked(on, known_at=known, names=_pick(dress, 0, None, 2), cards=_pick(dress, 1, 1, None, 30))


def _referral_given(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.given_lead(on, known_at=known, lead=_pick(dress, 0, "ann", "bob", "cy"))


def _rate_set(on: datetime, known: datetime | None, dress: int) -> Event:
    rate = _pick(dress, 0, "0.9", "1.25", "0.33333333", "1.00000001", "154.2")
    return h.rate_set(on, known_at=known, currency=_pick(dress, 1, *FOREIGN), rate=rate)


def in_any_currency(event: Event, dress: int) -> Event:
    """The event of a deal with its amounts in one of several currencies."""
    if not isinstance(event, DealEvent) or getattr(event, "currency", None) is None:
        return event
    return event.model_copy(update={"currency": _pick(dress, 3, "EUR", *FOREIGN)})


MAKERS: dict[str, Make] = {
    name.removeprefix("_").replace("_", "-"): make
    for name, make in list(globals().items())
    if name.startswith(
        ("_rate_", "_lead_", "_deal_", "_offer_", "_trial_", "_meeting_", "_paperwork_", "_account_", "_referral_")
    )
}
"""Every maker, by the type of the event that it makes."""

OFTEN = (
    *("lead-captured", "lead-captured", "lead-captured", "account-opened", "deal-won", "deal-revised", "deal-advanced"),
    *("offer-made", "lead-handed-over", "lead-accepted", "deal-reopened", "meeting-held", "deal-lost"),
)
"""What comes more often: what makes other things possible, sets the same attributes, moves deals, or turns them."""
