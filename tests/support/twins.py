"""The read model once more, slowly: each projection as the plain sentence that defines it, over the list of what was recorded.

Written from SPEC §2 and §4, not from the SQL. The twins of the reports are in `twin_reports`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from zoneinfo import ZoneInfo

from salesledger.domain.account import SubscriptionRenewed, SubscriptionStarted
from salesledger.domain.deal_events import DealEvent, DealMoved, LeadCaptured, Moving
from salesledger.domain.events import EventVoided
from salesledger.domain.rate import RateSet
from salesledger.domain.timeline import Recorded
from salesledger.readmodel.periods import Period
from support.answers import Row

FAR = datetime(9999, 12, 31)  # noqa: DTZ001  # as SQL writes it
WITH_CAPTURE = (
    "company",
    "process_version",
    "referred_by",
    "grown_from",
    "subscription",
    "growth",
    "attributes",
    "judged",
)
HISTORY = (
    *("status", "captured_at", "company", "process", "process_version", "stage", "account", "owner", "team", "product"),
    *("segment", "source", "campaign", "amount", "recurring_amount", "interval_months", "term_months", "currency"),
    *("expected_close", "category"),
)
CHANGED = (
    *HISTORY,
    "reason",
    "competitor",
    "referred_by",
    "grown_from",
    "subscription",
    "growth",
    "attributes",
    "judged",
)


@dataclass(frozen=True)
class Asked:
    """A question to a log.

    Attributes:
        log: everything that was recorded, in order.
        stages: position and probability of each stage, by process, version and name.
    """

    log: Sequence[Recorded]
    as_of: datetime
    known_at: datetime
    zone: ZoneInfo
    stages: Mapping[tuple[str | None, int | None, str | None], tuple[int, Decimal]]
    currency: str | None = None
    periods: Sequence[Period] = ()
    by: str | None = None
    late_days: int = 0

    def day(self, instant: datetime) -> date:
        """The day of an instant in the ledger's zone."""
        return instant.astimezone(self.zone).date()


def naive(instant: datetime) -> datetime:
    """The instant as SQL writes it: UTC, without an offset."""
    return instant.astimezone(UTC).replace(tzinfo=None)


# -- what stands ------------------------------------------------------------------------------------------------------


def known(asked: Asked) -> list[Recorded]:
    """The entries that were known."""
    return [r for r in asked.log if r.known_at <= asked.known_at]


def strikers(entry: int, voids: Sequence[Recorded]) -> list[Recorded]:
    """The voids that strike an entry: those that name it and are not struck out themselves."""
    return [void for void in voids if void.event.voids == entry and not strikers(void.entry, voids)]  # type: ignore[attr-defined]


def known_voids(asked: Asked) -> list[Recorded]:
    """The voids that were known."""
    return [r for r in known(asked) if isinstance(r.event, EventVoided)]


def rank(record: Recorded) -> int:
    """Its entry, or that of the one that it replaces."""
    return record.event.rank or record.entry


def standing(asked: Asked, kind: str) -> list[Recorded]:
    """The events of one kind of stream that were known and not struck out, in the order of their (effective_at, rank)."""
    voids = known_voids(asked)
    kept = [
        r
        for r in known(asked)
        if r.stream.startswith(f"{kind}:") and not isinstance(r.event, EventVoided) and not strikers(r.entry, voids)
    ]
    places = [(r.stream, r.event.effective_at, rank(r)) for r in kept]
    assert len(set(places)) == len(places), "two events stand at one place: the answer would not be determined"
    return sorted(kept, key=lambda r: (r.event.effective_at, rank(r)))


def happened(asked: Asked, kind: str) -> list[Recorded]:
    """Those of them that had happened."""
    return [r for r in standing(asked, kind) if r.event.effective_at <= asked.as_of]


def by_id(records: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    """The records of each stream."""
    streams: dict[str, list[Recorded]] = {}
    for record in records:
        streams.setdefault(record.id, []).append(record)
    return streams


def strikes(asked: Asked) -> list[Row]:
    """Twin of `strikes`: what is struck out, and the last link of its chain of voids, voids of voids, and so on."""
    voids = known_voids(asked)
    rows = []
    for struck in asked.log:
        if not isinstance(struck.event, EventVoided) and strikers(struck.entry, voids):
            chain = {struck.entry}
            for void in voids:
                assert isinstance(void.event, EventVoided)
                if void.event.voids in chain:
                    chain.add(void.entry)
                    last, why = void, void.event.void_reason
            told = {"struck_by": last.entry, "struck_at": naive(last.known_at), "void_reason": why}
            rows.append({"entry": struck.entry, **told})
    return rows


# -- deals ------------------------------------------------------------------------------------------------------------


def what_it_sets(record: Recorded) -> Row:
    """The attributes that an event of a deal sets, each with its value."""
    event = record.event
    assert isinstance(event, DealEvent)
    sets = {name: getattr(event, name) for name in event.SETS}
    if isinstance(event, Moving):
        sets |= {"process": event.process, "stage": event.stage}
    if isinstance(event, DealMoved):
        sets |= {"process_version": event.process_version}
    if isinstance(event, LeadCaptured):
        sets |= {name: getattr(event, name) for name in WITH_CAPTURE} | {"captured_at": naive(event.effective_at)}
    if isinstance(event, DealMoved):
        sets["process_version"] = event.process_version
    if event.STATUS is not None:
        sets["status"] = event.STATUS
    return {name: value for name, value in sets.items() if value is not None}


def deal_changes(asked: Asked) -> list[Row]:
    """Twin of `deal_changes`, without its column `place`."""
    return [
        {
            "deal": r.id,
            "entry": r.entry,
            "rank": rank(r),
            "type": r.event.type_name(),
            "effective_at": naive(r.event.effective_at),
            "effective_on": asked.day(r.event.effective_at),
            "known_at": naive(r.known_at),
            "recorded_by": r.event.recorded_by,
            **dict.fromkeys(CHANGED),
            "reason": getattr(r.event, "reason", None),
            "competitor": getattr(r.event, "competitor", None),
            **what_it_sets(r),
        }
        for r in standing(asked, "deal")
    ]


def folded(records: Iterable[Recorded]) -> Row:
    """The value of each attribute that the last event which sets it gives it."""
    state: Row = dict.fromkeys(CHANGED)
    for record in records:
        state |= what_it_sets(record)
    return state


def worth(state: Row) -> Decimal | None:
    """The one-off amount plus the first term's recurring amount."""
    if state["recurring_amount"] is None:
        return state["amount"]  # type: ignore[no-any-return]
    payments = state["term_months"] // state["interval_months"]
    return (state["amount"] or Decimal(0)) + state["recurring_amount"] * payments  # type: ignore[no-any-return]


def rate_on(asked: Asked, currency: str, day: date) -> Decimal | None:
    """The last rate that was set up to the end of a day."""
    found = None
    for record in happened(asked, "rate"):
        event = record.event
        if isinstance(event, RateSet) and event.currency == currency and asked.day(event.effective_at) <= day:
            found = event.rate
    return found


def converted(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """The amount in the ledger's currency, to four decimals, half up."""
    with localcontext(prec=80):
        return amount if amount is None or rate is None else (amount * rate).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def client(deal: Row) -> tuple[str, str]:
    """Whom a deal is made with: the account, or the company where there is none."""
    return ("company", deal["company"]) if deal["account"] is None else ("account", deal["account"])


def deals(asked: Asked) -> list[Row]:
    """Twin of `deals`."""
    rows: list[Row] = []
    for deal, records in by_id(happened(asked, "deal")).items():
        state = folded(records)
        if state["captured_at"] is None:
            continue
        turned = [r for r in records if "status" in what_it_sets(r)][-1]
        closed = state["status"] != "open"
        day = asked.day(turned.event.effective_at if closed else asked.as_of)
        foreign = state["currency"] not in (None, asked.currency)
        rate = rate_on(asked, state["currency"], day) if foreign else None
        assert rate is not None or not foreign, f"no rate for {state['currency']} on {day}"
        rows.append(
            {
                "deal": deal,
                **{name: value for name, value in state.items() if name != "attributes"},
                "value": worth(state),
                "value_converted": converted(worth(state), rate),
                "rate": rate,
                "captured_on": asked.day(state["captured_at"].replace(tzinfo=UTC)),
                "closed_at": naive(turned.event.effective_at) if closed else None,
                "closed_on": asked.day(turned.event.effective_at) if closed else None,
                "reason": getattr(turned.event, "reason", None) if closed else None,
                "competitor": getattr(turned.event, "competitor", None) if closed else None,
                "changed_at": naive(max(r.event.effective_at for r in records)),
            }
        )
    for row in rows:
        bought = [other["closed_on"] for other in rows if other["status"] == "won" and client(other) == client(row)]
        row["client_since"] = min(bought, default=None)
    return rows


def deal_states(asked: Asked) -> list[Row]:
    """Twin of `deal_states`: all of `deals` that neither rates nor other deals decide."""
    left_out = ("value", "value_converted", "rate", "client_since")
    return [{name: value for name, value in row.items() if name not in left_out} for row in deals(asked)]


def deal_history(asked: Asked) -> list[Row]:
    """Twin of `deal_history`: what each deal is at each instant at which something happened, until the next one."""
    rows = []
    for deal, records in by_id(standing(asked, "deal")).items():
        instants = sorted({r.event.effective_at for r in records})
        for begins, ends in zip(instants, [*instants[1:], None], strict=False):
            state = folded(r for r in records if r.event.effective_at <= begins)
            if state["captured_at"] is not None:
                span = {"valid_from": naive(begins), "valid_to": naive(ends) if ends else FAR}
                rows.append({"deal": deal, **span, **{name: state[name] for name in HISTORY}})
    return rows


def deal_history_as_known(asked: Asked) -> list[Row]:
    """Twin of `deal_history_as_known`: what each deal was believed to be at each instant at which that can have changed."""
    log = [r for r in known(asked) if r.stream.startswith("deal:")]
    late = timedelta(days=asked.late_days)
    instants = sorted({t for r in log for t in (r.known_at - late, r.event.effective_at)})
    rows = []
    for begins, ends in zip(instants, [*instants[1:], None], strict=False):
        believed = replace(asked, log=log, as_of=begins, known_at=begins + late)
        for deal, records in by_id(happened(believed, "deal")).items():
            state = folded(records)
            if state["captured_at"] is not None:
                turned = [r for r in records if "status" in what_it_sets(r)][-1]
                staged = [r for r in records if "stage" in what_it_sets(r)]
                span = {
                    "valid_from": naive(begins),
                    "valid_to": naive(ends) if ends else FAR,
                    "closed_at": naive(turned.event.effective_at) if state["status"] != "open" else None,
                    "stage_set_at": naive(staged[-1].event.effective_at) if staged else None,
                }
                rows.append({"deal": deal, **span, **{name: state[name] for name in (*HISTORY, "growth")}})
    return rows


def moments(asked: Asked) -> list[datetime]:
    """Every instant at which anything happened or became known, and just before and just after each."""
    blink = timedelta(microseconds=1)
    instants = {t for r in asked.log for t in (r.known_at, r.event.effective_at)}
    return sorted({t + shift for t in instants for shift in (-blink, timedelta(0), blink)})


def sales(asked: Asked) -> list[Row]:
    """The deals that are no renewals, neither by their growth nor by what was renewed with them."""
    events = [record.event for record in happened(asked, "account")]
    renewing = {event.deal for event in events if isinstance(event, SubscriptionRenewed)}
    return [deal for deal in deals(asked) if deal["growth"] != "renewal" and deal["deal"] not in renewing]


def paid_before(asked: Asked, deal: Row, day: date) -> bool:
    """Whether the account had a subscription before a day, other than by the deal itself."""
    return any(
        isinstance(record.event, SubscriptionStarted)
        and record.id == deal["account"]
        and record.event.deal != deal["deal"]
        and asked.day(record.event.effective_at) < day
        for record in happened(asked, "account")
    )
