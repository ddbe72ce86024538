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
    facts = {"company": _pick(dress, 0, "Acme", "Beta"), "referred_by": _pick(dress, 3, None, None, "x", "y")}
    grown = {"grown_from": _pick(dress, 2, None, None, "ann"), "growth": _pick(dress, 1, None, "upsell", "renewal")}
    told = {
        "attributes": _pick(dress, 4, None, None, {"size": "5"}, {"size": "50.5", "sector": "Wood"}, {"size": "many"})
    }
    process = {"process": _pick(dress, 5, None, None, None, "art")}
    return h.captured(on, known_at=known, **facts, **grown, **told, **process, **_attributes(dress), **_stage(dress))


def _lead_contacted(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.contacted(on, known_at=known, **_stage(dress))


def _lead_qualified(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.qualified(on, known_at=known, **_stage(dress))


def _lead_disqualified(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.disqualified(on, known_at=known, reason=_pick(dress, 0, "no budget", "no need"))


def _lead_handed_over(on: datetime, known: datetime | None, dress: int) -> Event:
    people = {"handed_to": _pick(dress, 0, "lee", "mia"), "handed_by": _pick(dress, 1, None, None, "kim")}
    return h.handed_over(on, known_at=known, **people)


def _lead_accepted(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.accepted(on, known_at=known, owner=_pick(dress, 0, None, "zoe"))


def _lead_rejected(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.rejected(on, known_at=known, reason=_pick(dress, 0, "too small", "not mine"))


def _meeting_held(on: datetime, known: datetime | None, dress: int) -> Event:
    told = {"kind": _pick(dress, 0, "meeting", "demo"), "attendees": _pick(dress, 1, None, 3)}
    pains = {"pain_points": _pick(dress, 2, None, ("slow",), ("slow", "dear"), ("Dear", "dear"))}
    return h.meeting(on, known_at=known, **told, **pains, **_stage(dress))


def _trial_started(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.trial_started(on, known_at=known)


def _trial_ended(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.trial_ended(on, known_at=known)


def _deal_advanced(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.advanced(on, known_at=known, stage=STAGES[dress % len(STAGES)])


def _deal_moved(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.moved(on, known_at=known, process=_pick(dress, 0, "b2b", "art"))


def _deal_revised(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.revised(on, known_at=known, **_attributes(dress))


def _offer_made(on: datetime, known: datetime | None, dress: int) -> Event:
    listed = {"list_amount": _pick(dress, 4, None, "0", "12.50", "2500")}
    return h.offered(on, known_at=known, **({"amount": "7"} | _price(dress)), **listed)


def _offer_countered(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.countered(on, known_at=known, **({"amount": "5"} | _price(dress)))


def _paperwork_sent(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.paperwork(on, known_at=known)


def _deal_won(on: datetime, known: datetime | None, dress: int) -> Event:
    listed = {"list_amount": _pick(dress, 4, None, None, "100", "33.3333")}
    return h.won(on, known_at=known, **_price(dress), **listed)


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


def defined(on: datetime, version: int, dress: int) -> Event:
    """A version of a process: some stages allow only so many days, some versions set criteria."""
    stages = [
        {"name": name, "probability": f"0.{n + 1}"} | ({"rot_days": dress % 5 + 1} if (dress + n) % 3 == 0 else {})
        for n, name in enumerate(STAGES[dress % 3 :])
    ]
    size: dict[str, Any] = _pick(dress, 0, {"at_least": 10}, {"at_most": "50.5"}, {"at_least": 5, "at_most": 50})
    sector: dict[str, Any] = _pick(dress, 1, {"one_of": ["WOOD", "steel"]}, {"none_of": ["wood"]})
    criteria = ({"attribute": "size"} | size, {"attribute": "sector"} | sector)[: dress % 4]
    return h.defined(on, process_version=version, stages=stages, criteria=criteria or None)


def _account_noted(on: datetime, known: datetime | None, dress: int) -> Event:
    told = {"evidence": _pick(dress, 1, None, 1, 2), "note": _pick(dress, 2, None, "said so")}
    preference = _pick(dress, 0, "repair", "uptime", "price", "colour")
    return h.noted(on, known_at=known, preference=preference, weight=_pick(dress, 3, 0, 2, 5), **told)


def _case_opened(on: datetime, known: datetime | None, dress: int) -> Event:
    told = {"kind": _pick(dress, 1, "broken-equipment", "question"), "product": _pick(dress, 2, None, "gtx")}
    return h.case_opened(on, known_at=known, case_id=_pick(dress, 0, "one", "two"), **told)


def _case_resolved(on: datetime, known: datetime | None, dress: int) -> Event:
    done = _pick(dress, 1, "repair", "replace", "answered")
    return h.case_resolved(on, known_at=known, case_id=_pick(dress, 0, "one", "two"), resolution=done)


def _satisfaction_noted(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.satisfied(on, known_at=known, score=_pick(dress, 0, 0, 6, 7, 8, 9, 10))


def _rate_set(on: datetime, known: datetime | None, dress: int) -> Event:
    rate = _pick(dress, 0, "0.9", "1.25", "0.33333333", "1.00000001", "154.2")
    return h.rate_set(on, known_at=known, currency=_pick(dress, 1, *FOREIGN), rate=rate)


def _subscription(dress: int) -> str:
    return str(_pick(dress, 0, "pro", "plus"))


def _subscription_started(on: datetime, known: datetime | None, dress: int) -> Event:
    told = {"term_months": _pick(dress, 1, None, 1, 12), "deal": _pick(dress, 2, None, "ann")}
    price = {"recurring_amount": _pick(dress, 3, *AMOUNTS), "interval_months": _pick(dress, 4, 1, 3)}
    return h.subscribed(on, known_at=known, subscription=_subscription(dress), **price, **told)


def _subscription_renewed(on: datetime, known: datetime | None, dress: int) -> Event:
    told = {"term_months": _pick(dress, 1, None, 1, 6), "deal": _pick(dress, 2, None, None, "ann", "bob")}
    return h.renewed(on, known_at=known, subscription=_subscription(dress), **told)


def _subscription_changed(on: datetime, known: datetime | None, dress: int) -> Event:
    amount = _pick(dress, 1, *AMOUNTS)
    return h.repriced(on, known_at=known, subscription=_subscription(dress), recurring_amount=amount)


def _subscription_cancelled(on: datetime, known: datetime | None, dress: int) -> Event:
    reason = _pick(dress, 1, None, "price")
    return h.cancelled(on, known_at=known, subscription=_subscription(dress), reason=reason)


def _target_set(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.target_set(on, known_at=known, owner="kim", amount=_pick(dress, 0, *AMOUNTS), **_span(dress))


def _forecast_called(on: datetime, known: datetime | None, dress: int) -> Event:
    told = {"amount": _pick(dress, 0, *AMOUNTS), "call": _pick(dress, 1, "commit", "best-case")}
    return h.called(on, known_at=known, owner="kim", **told, **_span(dress))


def _span(dress: int) -> dict[str, Any]:
    return _pick(  # type: ignore[no-any-return]
        dress,
        2,
        {"begins_on": date(2026, 1, 1), "ends_on": date(2026, 2, 1)},
        {"begins_on": date(2026, 1, 9), "ends_on": date(2026, 1, 16)},
    )


def in_any_currency(event: Event, dress: int) -> Event:
    """The event of a deal with its amounts in one of several currencies."""
    if not isinstance(event, DealEvent) or getattr(event, "currency", None) is None:
        return event
    return event.model_copy(update={"currency": _pick(dress, 3, "EUR", *FOREIGN)})


MAKERS: dict[str, Make] = {
    name.removeprefix("_").replace("_", "-"): make
    for name, make in list(globals().items())
    if name.startswith(
        (
            *("_lead_", "_deal_", "_offer_", "_trial_", "_meeting_", "_paperwork_", "_account_", "_referral_"),
            *("_case_", "_satisfaction_", "_rate_"),
        )
    )
}
"""Every maker, by the type of the event that it makes."""

OFTEN = (
    *("lead-captured", "lead-captured", "lead-captured", "account-opened", "deal-won", "deal-revised", "deal-advanced"),
    *("offer-made", "lead-handed-over", "lead-accepted", "deal-reopened", "meeting-held", "deal-lost"),
)
"""What comes more often: what makes other things possible, sets the same attributes, moves deals, or turns them."""

SUBSCRIBED: dict[str, Make] = {
    "subscription-started": _subscription_started,
    "subscription-renewed": _subscription_renewed,
    "subscription-changed": _subscription_changed,
    "subscription-cancelled": _subscription_cancelled,
}
"""What happens to accounts besides, in journeys that hold everything."""

PROMISED: dict[str, Make] = {"target-set": _target_set, "forecast-called": _forecast_called}
"""Targets and calls, in journeys that hold everything."""
