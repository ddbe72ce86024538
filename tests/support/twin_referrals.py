"""The referrals once more, slowly: who referred what, what came of asking, the share of referrals, who brought whom."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, localcontext

from salesledger.domain.account import AccountOpened, ReferralAsked, ReferralGiven
from support.answers import Row
from support.twin_reports import periods, split
from support.twins import Asked, by_id, client, deals, happened, naive, paid_before, rank, sales


def referred_leads(asked: Asked) -> list[Row]:
    """Twin of `referred_leads`: a lead has the referrer that it names, else the first account that gave it."""
    gifts = [r for r in happened(asked, "account") if isinstance(r.event, ReferralGiven)]
    gifts.sort(key=lambda r: (r.event.effective_at, rank(r)))
    rows = []
    for deal in sales(asked):
        givers = [r.id for r in gifts if isinstance(r.event, ReferralGiven) and r.event.lead == deal["deal"]]
        referrer = deal["referred_by"] or (givers[0] if givers else None)
        if referrer:
            names = ("deal", "company", "account", "status", "captured_at", "captured_on", "closed_on")
            money = {"value": deal["value_converted"], "currency": asked.currency}
            rows.append({"referrer": referrer, **{name: deal[name] for name in names}, **money})
    return rows


def companies(asked: Asked) -> dict[str, str]:
    """What each account is called, by its last opening."""
    named = {}
    for account, records in by_id(happened(asked, "account")).items():
        for record in records:
            if isinstance(record.event, AccountOpened):
                named[account] = record.event.company
    return named


def worth_of(won: list[Row]) -> Decimal:
    """What won deals are worth together."""
    with localcontext(prec=60):
        return sum((row["value"] for row in won if row["value"] is not None), Decimal(0))


def ratio(part: Decimal | int, whole: Decimal | int) -> float | None:
    """The part of the whole, where there is a whole."""
    return float(part) / float(whole) if whole else None


def referrals(asked: Asked) -> list[Row]:
    """Twin of `referrals`."""
    named, rows = companies(asked), []
    for label, begins, ends in periods(asked):
        leads = [lead for lead in referred_leads(asked) if begins <= lead["captured_at"] < ends]
        asks: dict[str, list[ReferralAsked]] = {}
        for record in happened(asked, "account"):
            if isinstance(record.event, ReferralAsked) and begins <= naive(record.event.effective_at) < ends:
                asks.setdefault(record.id, []).append(record.event)
        everything = worth_of([lead for lead in leads if lead["status"] == "won"])
        for account in {*asks, *(lead["referrer"] for lead in leads)}:
            own, wishes = [lead for lead in leads if lead["referrer"] == account], asks.get(account, [])
            won = [lead for lead in own if lead["status"] == "won"]
            names = sum(wish.names or 0 for wish in wishes)
            rows.append(
                {
                    "period": label,
                    "account": account,
                    "company": named.get(account),
                    "asks": len(wishes),
                    "names_asked": names,
                    "cards": sum(wish.cards or 0 for wish in wishes),
                    "names_per_ask": ratio(names, sum(bool(wish.names) for wish in wishes)),
                    "leads": len(own),
                    "won": len(won),
                    "won_without_amount": sum(lead["value"] is None for lead in won),
                    "bookings": worth_of(won),
                    "currency": asked.currency,
                    "yield_ratio": ratio(len(own), names),
                    "win_ratio": ratio(len(won), len(own)),
                    "bookings_share": ratio(worth_of(won), everything),
                }
            )
    return rows


def fresh(asked: Asked, deal: Row, day: date) -> bool:
    """Whether it grew from nothing, and its client had bought and paid nothing before a day."""
    if deal["grown_from"] or deal["subscription"] or paid_before(asked, deal, day):
        return False
    others = [other for other in deals(asked) if client(other) == client(deal) and other["status"] == "won"]
    return all(other["closed_on"] >= day for other in others)


def referral_share(asked: Asked) -> list[Row]:
    """Twin of `referral_share`."""
    referred = {lead["deal"] for lead in referred_leads(asked)}
    rows = []
    for label, begins, ends in periods(asked):
        captured = [
            deal
            for deal in sales(asked)
            if begins <= deal["captured_at"] < ends and fresh(asked, deal, deal["captured_on"])
        ]
        won = [
            deal | {"value": deal["value_converted"]}
            for deal in sales(asked)
            if deal["status"] == "won" and begins <= deal["closed_at"] < ends and fresh(asked, deal, deal["closed_on"])
        ]
        for group in {split(asked, deal) for deal in captured + won} or {None}:
            leads, wins = ([d for d in some if split(asked, d) == group] for some in (captured, won))
            by_referral = [deal for deal in wins if deal["deal"] in referred]
            rows.append(
                {
                    "period": label,
                    "group": group,
                    "leads": len(leads),
                    "referred_leads": sum(deal["deal"] in referred for deal in leads),
                    "lead_share": ratio(sum(deal["deal"] in referred for deal in leads), len(leads)),
                    "won": len(wins),
                    "referred_won": len(by_referral),
                    "won_share": ratio(len(by_referral), len(wins)),
                    "bookings": worth_of(wins),
                    "referred_bookings": worth_of(by_referral),
                    "currency": asked.currency,
                    "bookings_share": ratio(worth_of(by_referral), worth_of(wins)),
                }
            )
    return rows


def brought_by(asked: Asked) -> dict[str, str]:
    """The lead that brought each account which a referral brought: its first, if nobody had come through it before."""
    leads = {lead["deal"]: lead for lead in referred_leads(asked)}

    def moment(deal: Row) -> tuple[datetime, str]:
        return deal["captured_at"], deal["deal"]

    found = {}
    for account in {deal["account"] for deal in deals(asked)} - {None}:
        first = min((deal for deal in deals(asked) if deal["account"] == account), key=moment)
        lead = leads.get(first["deal"])
        given = [moment(other) for other in leads.values() if other["referrer"] == account]
        if lead and lead["referrer"] != account and all(moment(lead) < other for other in given):
            found[account] = first["deal"]
    return found


def referral_tree(asked: Asked) -> list[Row]:
    """Twin of `referral_tree`: each account at the top, and below each node the leads that its account referred."""
    leads, brought, named = referred_leads(asked), brought_by(asked), companies(asked)
    of_deal = {deal: account for account, deal in brought.items()}

    def node(root: str, above: tuple[str, ...], lead: Row | None) -> list[Row]:
        path = (*above, lead["deal"] if lead else root)
        account = root if lead is None else of_deal.get(lead["deal"])
        children = sorted(
            (child for child in leads if account is not None and child["referrer"] == account),
            key=lambda child: (child["captured_at"], child["deal"]),
        )
        subtrees = [row for child in children for row in node(root, path, child)]
        below = [row["lead"] for row in subtrees]
        won = [child for child in below if child["status"] == "won"]
        own = {
            "lead": lead,
            "root": root,
            "depth": len(above),
            "path": " > ".join(path),
            "is_first": account is not None,
            "leads_below": len(below),
            "won_below": len(won),
            "bookings_below": worth_of(won),
            "currency": asked.currency,
        }
        told = {name: lead[name] if lead else None for name in ("referrer", "deal", "status", "captured_on")}
        company = lead["company"] if lead else named.get(root)
        bookings = lead["value"] if lead and lead["status"] == "won" else None
        whose = lead["account"] if lead else root
        return [{**own, **told, "account": whose, "company": company, "bookings": bookings}, *subtrees]

    tops = sorted({lead["referrer"] for lead in leads} - set(brought))
    rows = [row for top in tops for row in node(top, (), None)]
    return [{name: value for name, value in row.items() if name != "lead"} for row in rows]


def accounts(asked: Asked) -> list[Row]:
    """Twin of `accounts`."""
    rows, leads = [], referred_leads(asked)
    for account, records in by_id(happened(asked, "account")).items():
        openings = [
            r
            for r in sorted(records, key=lambda r: (r.event.effective_at, rank(r)))
            if isinstance(r.event, AccountOpened)
        ]
        if not openings:
            continue
        opening = [r.event for r in openings if isinstance(r.event, AccountOpened)]
        facts = [event.attributes for event in opening if event.attributes is not None]
        wishes = [r.event for r in records if isinstance(r.event, ReferralAsked)]
        own = [deal for deal in deals(asked) if deal["account"] == account]
        sold = [deal for deal in sales(asked) if deal["account"] == account and deal["status"] == "won"]
        amounts = [deal["value_converted"] for deal in sold if deal["value_converted"] is not None]
        with localcontext(prec=60):
            rows.append(
                {
                    "account": account,
                    "company": opening[-1].company,
                    "opened_on": asked.day(opening[-1].effective_at),
                    "attributes": facts[-1] if facts else None,
                    "deals": len(own),
                    "open_deals": sum(deal["status"] == "open" for deal in own),
                    "won_deals": sum(deal["status"] == "won" for deal in own),
                    "bookings": sum(amounts, Decimal(0)) if amounts else None,
                    "currency": asked.currency if any(deal["currency"] for deal in own) else None,
                    "referrals_asked": len(wishes),
                    "names_asked": sum(wish.names or 0 for wish in wishes),
                    "cards_handed_out": sum(wish.cards or 0 for wish in wishes),
                    "referrals_given": sum(lead["referrer"] == account for lead in leads),
                }
            )
    return rows
