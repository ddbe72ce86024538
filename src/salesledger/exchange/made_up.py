"""A made-up company's two years of selling, the same every time: for the demo and for trying things out."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from salesledger.domain import account as ac
from salesledger.domain import deal_events as de
from salesledger.domain.account import AccountOpened, ReferralAsked, ReferralGiven
from salesledger.domain.decide import Record
from salesledger.domain.events import Event
from salesledger.domain.person import PersonAdded, PersonForgotten, PersonRevised
from salesledger.domain.process import B2B, Criterion, ProcessDefined, Stage
from salesledger.domain.rate import RateSet
from salesledger.domain.target import ForecastCalled, TargetSet
from salesledger.domain.values import slug
from salesledger.ledger.batch import Proposal

FIRST_DAY = date(2024, 7, 1)
LAST_DAY = date(2026, 6, 30)
CURRENCY = "EUR"

_NAMES = (  # noqa: SIM905 - easier to read than a list of quoted words
    "Alder Birch Cedar Dune Ember Fjord Glacier Harbour Iris Juniper Kestrel Lark Meadow Nimbus Orchard Pine Quarry "
    "Rowan Saffron Tundra Umber Valley Willow Yarrow Zephyr"
).split()
_TRADES = "Optics Foods Logistics Metals Energy Textiles Robotics Ceramics Marine Paper Pumps Glass".split()  # noqa: SIM905
_FORMS = ("GmbH", "AG", "Ltd", "SA", "Oy", "BV")
_SOURCES = (
    ("outbound", 0.35),
    ("advertising", 0.2),
    ("event", 0.15),
    ("gated-content", 0.15),
    ("pr", 0.05),
    ("inbound", 0.1),
)
_SEGMENTS = {"small": (2_000, 12_000, 0.5), "medium": (8_000, 45_000, 0.35), "large": (30_000, 180_000, 0.15)}
_PAINS = ("downtime", "scrap", "audits", "spare parts", "energy cost", "reporting")
_LOSSES = (
    ("price", "Corvo"),
    ("no decision", None),
    ("competitor", "Nadir Systems"),
    ("timing", None),
    ("missing feature", "Corvo"),
)
_STEPS = {"meeting": (0.8, 12), "proposal": (0.72, 18), "negotiation": (0.8, 14), "won": (0.75, 12)}
_OWNERS = ("kim", "lee", "max")
_CALLERS = ("ana", "ben")
_LIKES = ("repair", "price", "uptime", "speed", "sustainability")
_EXIT = {
    "lead": ("reached by phone",),
    "qualified": ("use case and decision maker known",),
    "meeting": ("need agreed", "budget range named"),
    "proposal": ("offer discussed",),
    "negotiation": ("contract signed",),
}
_COUNTER = (
    Stage(name="order", entered_by=("lead-captured",), probability=Decimal(1), exit_criteria=("paid at the counter",)),
)
_DOLLARS = ("0.93", "0.92", "0.92", "0.94", "0.95", "0.93", "0.89", "0.87", "0.86", "0.86", "0.87", "0.88")
_PEOPLE = (("Robin Calder", "plant manager", "champion"), ("Noor Haddad", "controller", "economic buyer"))
_VISIT = {"persons": ("p-1", "p-2"), "pain_points": ("audits",)}
_QUOTAS = (180_000, 220_000, 260_000, 320_000, 340_000, 360_000, 400_000, 420_000)


def _quarter(number: int) -> date:
    """The first day of a quarter of the story, from 0."""
    return date(2024 + (number + 2) // 4, (number + 2) % 4 * 3 + 1, 1)


@dataclass
class _Company:
    chance: random.Random
    made: list[tuple[datetime, int, Proposal]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    later: random.Random = field(default_factory=lambda: random.Random(11))  # noqa: S311 - a story, not a secret

    def begin(self) -> None:
        """What sales operations decides before anybody sells: processes, targets, exchange rates."""
        stages = tuple(
            stage.model_copy(update={"exit_criteria": _EXIT[stage.name], "rot_days": 45}) for stage in B2B.stages
        )
        for version, day, least in ((2, FIRST_DAY, 20), (3, date(2025, 10, 1), 80)):
            criterion = Criterion(attribute="employees", at_least=Decimal(least))
            self.note(
                "process:b2b",
                ProcessDefined,
                day,
                "ops",
                process_version=version,
                title="B2B",
                stages=stages,
                criteria=(criterion,),
                disqualify_reasons=("no budget", "no need", "too small"),
                loss_reasons=tuple(reason for reason, _ in _LOSSES),
            )
        self.note(
            "process:counter", ProcessDefined, FIRST_DAY, "ops", process_version=1, title="Counter", stages=_COUNTER
        )
        for number, rate in enumerate(_DOLLARS):
            month = FIRST_DAY.month - 1 + number * 2
            day = date(FIRST_DAY.year + month // 12, month % 12 + 1, 1)
            self.note("rate:USD", RateSet, day, "ops", currency="USD", rate=rate)
        for number, quota in enumerate(_QUOTAS):
            period = {"begins_on": _quarter(number), "ends_on": _quarter(number + 1), "currency": CURRENCY}
            for who in (None, *_OWNERS):
                share = Decimal(quota if who is None else quota // 3)
                stream = f"target:{who or 'all'}"
                self.note(stream, TargetSet, _quarter(number), "ops", owner=who, amount=share, **period)
                if who is not None:
                    called = share * self.later.randint(60, 130) // 100
                    middle = _quarter(number) + timedelta(days=45)
                    self.note(stream, ForecastCalled, middle, who, owner=who, amount=called, **period)

    def abroad(self) -> None:
        """One deal in dollars that goes through all that a deal can: lost, reopened, moved to the next version, still open."""
        deal, owner = "deal:lakeside-mills-inc", "kim"
        price = {"amount": Decimal(42_000), "currency": "USD"}
        told = {"company": "Lakeside Mills Inc", "source": "event", "segment": "large", "team": "export"}
        story: tuple[tuple[type[Event], date, dict[str, Any]], ...] = (
            (de.LeadCaptured, date(2025, 9, 8), {**told, "owner": owner, "product": "Plant View", **price}),
            (de.LeadQualified, date(2025, 9, 15), {"use_case": "audits", "budget": "named", "timing": "this year"}),
            (de.DealLost, date(2025, 10, 6), {"reason": "timing"}),
            (de.DealReopened, date(2025, 11, 3), {"reason": "the budget came after all"}),
            (de.DealMoved, date(2025, 11, 4), {"process": "b2b"}),
            (de.MeetingHeld, date(2025, 11, 20), {"kind": "visit", "attendees": 6, **_VISIT}),
            (de.DealRevised, date(2025, 11, 21), {"account": "lakeside-mills-inc"}),
            (de.DealAdvanced, date(2026, 2, 3), {"stage": "negotiation"}),
            (de.DealAdvanced, date(2026, 3, 10), {"stage": "proposal"}),
        )
        self.people("account:lakeside-mills-inc", "Lakeside Mills Inc", owner)
        for event_class, day, fields in story:
            self.note(deal, event_class, day, owner, **fields)
        quarter = {"begins_on": _quarter(7), "ends_on": _quarter(8), "currency": CURRENCY}
        self.note("target:team-export", TargetSet, _quarter(7), "ops", team="export", amount=Decimal(60_000), **quarter)
        hoped = {"call": "best-case", "amount": Decimal(190_000)}
        self.note("target:kim", ForecastCalled, date(2026, 5, 16), owner, owner=owner, **hoped, **quarter)

    def grown(self) -> None:
        """A client that grew: won, sold more to, renewed; and before that its lead was handed over twice."""
        name, account, plan = "Harbour Bakery GmbH", "account:harbour-bakery-gmbh", "plant-view"
        told = {"company": name, "segment": "small", "source": "inbound"}
        terms = {"interval_months": 1, "term_months": 12, "currency": CURRENCY}
        more = {**told, "owner": "max", "account": "harbour-bakery-gmbh", "subscription": plan}
        first, upsell, renewal = (f"deal:harbour-bakery-gmbh{ending}" for ending in ("", "-more", "-renewal"))
        story: tuple[tuple[str, type[Event], date, str, dict[str, Any]], ...] = (
            (first, de.LeadCaptured, date(2024, 12, 2), "ana", told),
            (first, de.LeadQualified, date(2024, 12, 4), "ana", {"use_case": "downtime"}),
            (first, de.LeadHandedOver, date(2024, 12, 5), "ana", {"handed_to": "kim"}),
            (first, de.LeadRejected, date(2024, 12, 6), "kim", {"reason": "not my region"}),
            (first, de.LeadHandedOver, date(2024, 12, 9), "ana", {"handed_to": "max"}),
            (first, de.LeadAccepted, date(2024, 12, 10), "max", {}),
            (account, AccountOpened, date(2025, 1, 13), "max", {"company": name}),
            (first, de.DealRevised, date(2025, 1, 13), "max", {"account": "harbour-bakery-gmbh"}),
            (first, de.DealWon, date(2025, 1, 14), "max", {"recurring_amount": Decimal(200), **terms}),
            (account, ac.SubscriptionStarted, date(2025, 1, 15), "max", {
                "subscription": plan, "deal": "harbour-bakery-gmbh", "recurring_amount": Decimal(200), **terms}),
            (upsell, de.LeadCaptured, date(2025, 5, 5), "max", {**more, "growth": "upsell"}),
            (upsell, de.DealWon, date(2025, 6, 2), "max", {"recurring_amount": Decimal(80), **terms}),
            (account, ac.SubscriptionChanged, date(2025, 6, 2), "max", {
                "subscription": plan, "deal": "harbour-bakery-gmbh-more", "recurring_amount": Decimal(280),
                "interval_months": 1, "currency": CURRENCY}),
            (renewal, de.LeadCaptured, date(2025, 12, 1), "max", {**more, "growth": "renewal"}),
            (renewal, de.DealWon, date(2026, 1, 8), "max", {"recurring_amount": Decimal(280), **terms}),
            (account, ac.SubscriptionRenewed, date(2026, 1, 8), "max", {
                "subscription": plan, "deal": "harbour-bakery-gmbh-renewal", "term_months": 12}),
        )  # fmt: skip
        for stream, event_class, day, who, fields in story:
            self.note(stream, event_class, day, who, **fields)

    def people(self, account: str, company: str, owner: str) -> None:
        """Two persons there, of whom one leaves and asks to be forgotten."""
        self.note(account, AccountOpened, date(2025, 9, 8), owner, company=company)
        for number, (name, position, role) in enumerate(_PEOPLE, start=1):
            person, day = f"p-{number}", date(2025, 9, 9 + number)
            self.note(f"person:{person}", PersonAdded, day, owner, name=name, position=position)
            self.note(account, ac.ContactAdded, day, owner, person=person, role=role)
        self.note(account, ac.ContactRemoved, date(2026, 4, 13), owner, person="p-2")
        self.note("person:p-1", PersonRevised, date(2026, 4, 14), owner, position="head of operations")
        self.note("person:p-2", PersonForgotten, date(2026, 4, 20), owner, reason="asked to, after leaving")

    def note(self, stream: str, event_class: type[Event], day: date, who: str, **fields: Any) -> None:
        """One thing happens and is entered the same morning."""
        effective_at = datetime.combine(day, time(7, 30), UTC)
        envelope = {"effective_at": effective_at, "known_at": effective_at, "recorded_by": who}
        event = event_class.model_validate(envelope | fields)
        self.made.append((effective_at, len(self.made), Proposal(stream, Record(event))))

    def say(self, stream: str, event_class: type[Event], day: date, who: str, **fields: Any) -> None:
        """One thing happens; people enter most of it the same day, and some of it late."""
        clock = time(self.chance.randint(8, 17), self.chance.choice((0, 10, 20, 30, 45)))
        effective_at = datetime.combine(day, clock, UTC)
        late = self.chance.choice((0, 0, 0, 0, 0, 0, 1, 3, 9)) * 24 + self.chance.random()
        known_at = effective_at + timedelta(hours=late)
        event = event_class.model_validate(
            {"effective_at": effective_at, "known_at": known_at, "recorded_by": who, **fields}
        )
        self.made.append((known_at, len(self.made), Proposal(stream, Record(event))))

    def pick(self, weighted: tuple[tuple[str, float], ...]) -> str:
        return self.chance.choices([name for name, _ in weighted], [weight for _, weight in weighted])[0]

    def after(self, day: date, mean_days: float) -> date:
        return day + timedelta(days=1 + int(self.chance.gammavariate(1.6, mean_days / 1.6)))

    def new_name(self) -> str:
        while True:
            name = f"{self.chance.choice(_NAMES)} {self.chance.choice(_TRADES)} {self.chance.choice(_FORMS)}"
            if slug(name) not in self.names:
                self.names.add(slug(name))
                return name

    def lead(self, day: date, *, referred_by: str | None = None) -> None:
        """One lead and all that becomes of it up to the last day."""
        name = self.new_name()
        stream = f"deal:{slug(name)}"
        caller, owner = self.chance.choice(_CALLERS), self.chance.choice(_OWNERS)
        segment = self.chance.choices(list(_SEGMENTS), [w for _, _, w in _SEGMENTS.values()])[0]
        source = "referral" if referred_by else self.pick(_SOURCES)
        if source in ("gated-content", "pr"):
            self.say(
                stream, de.LeadTouched, day - timedelta(days=self.chance.randint(3, 40)), caller, channel="article"
            )
        self.say(
            stream,
            de.LeadCaptured,
            day,
            caller,
            company=name,
            source=source,
            campaign="spring fair" if source == "event" else None,
            owner=caller,
            segment=segment,
            product=self.chance.choice(("Sensor Kit", "Sensor Kit", "Plant View")),
            referred_by=referred_by,
            attributes={"employees": str(self.chance.choice((20, 80, 250, 900)))},
        )
        if referred_by:
            self.say(f"account:{referred_by}", ReferralGiven, day, owner, lead=slug(name))
        reached = self.after(day, 3)
        if reached > LAST_DAY:
            return
        self.say(stream, de.LeadContacted, reached, caller, channel="call", outcome="reached")
        qualified = self.after(reached, 5)
        if qualified > LAST_DAY:
            return
        if self.chance.random() > (0.75 if referred_by else 0.5):
            self.say(
                stream,
                de.LeadDisqualified,
                qualified,
                caller,
                reason=self.chance.choice(("no budget", "no need", "too small")),
            )
            return
        self.say(
            stream, de.LeadQualified, qualified, caller, use_case=self.chance.choice(_PAINS), authority="plant manager"
        )
        self.say(stream, de.LeadHandedOver, qualified, caller, handed_to=owner)
        accepted = qualified + timedelta(days=self.chance.randint(1, 4))
        if accepted > LAST_DAY:
            return
        self.say(stream, de.LeadAccepted, accepted, owner)
        self.sell(stream, name, accepted, owner, segment)

    def sell(self, stream: str, name: str, day: date, owner: str, segment: str) -> None:
        """From the first meeting to the close."""
        low, high, _ = _SEGMENTS[segment]
        amount = Decimal(self.chance.randint(low, high) // 100 * 100) + Decimal(self.chance.choice((0, 0, 50)))
        recurring = {"recurring_amount": Decimal(self.chance.randint(40, 900)), "interval_months": 1, "term_months": 12}
        money: dict[str, Any] = {"amount": format(amount, "f"), "currency": CURRENCY} | (
            recurring if self.chance.random() < 0.4 else {}
        )
        met = day
        for step, (chance, mean_days) in _STEPS.items():
            day = self.after(day, mean_days * self.chance.choices((1, 2.5, 9), (0.84, 0.11, 0.05))[0])
            if day > LAST_DAY:
                return
            if self.chance.random() > chance:
                reason, competitor = self.chance.choice(_LOSSES)
                self.say(stream, de.DealLost, day, owner, reason=reason, competitor=competitor)
                return
            if step == "meeting":
                met = day
                pains = tuple(self.chance.sample(_PAINS, self.chance.randint(1, 2)))
                self.say(
                    stream,
                    de.MeetingHeld,
                    day,
                    owner,
                    kind="demo",
                    attendees=self.chance.randint(1, 5),
                    pain_points=pains,
                )
                closing = day + timedelta(days=self.chance.randint(20, 70))
                self.say(stream, de.DealRevised, day, owner, expected_close=closing, category="pipeline", **money)
            elif step == "proposal":
                if self.later.random() < 0.2:
                    self.note(stream, de.TrialStarted, met + timedelta(days=1), owner, product="Sensor Kit")
                    self.note(stream, de.TrialEnded, day, owner, outcome="kept")
                listed = Decimal(money["amount"]) + money.get("recurring_amount", 0) * money.get("term_months", 0)
                money["list_amount"] = listed * self.later.choice((100, 100, 105, 110, 125)) // 100
                self.say(stream, de.OfferMade, day, owner, terms="net 30", **money)
            elif step == "negotiation":
                if self.later.random() < 0.3:
                    less = Decimal(money["amount"]) * self.later.choice((80, 85, 90)) // 100
                    countered = {name: value for name, value in money.items() if name != "list_amount"}
                    self.note(stream, de.OfferCountered, day, owner, **countered | {"amount": less})
                self.say(stream, de.PaperworkSent, day, owner)
            else:
                self.win(stream, name, day, owner, money)

    def win(self, stream: str, name: str, day: date, owner: str, money: dict[str, Any]) -> None:
        """A client, who is asked for names and often gives one."""
        self.say(stream, de.DealWon, day, owner, **money)
        self.say(f"account:{slug(name)}", AccountOpened, day, owner, company=name)
        if day < LAST_DAY:
            self.note(stream, de.DealRevised, day + timedelta(days=1), owner, account=slug(name))
        self.keep(name, stream, day, owner, money)
        asked = day + timedelta(days=30)
        if asked > LAST_DAY:
            return
        self.say(f"account:{slug(name)}", ReferralAsked, asked, owner, names=5)
        if self.chance.random() < 0.4:
            given = self.after(asked, 10)
            if given <= LAST_DAY:
                self.lead(given, referred_by=slug(name))

    def keep(self, name: str, stream: str, day: date, owner: str, money: dict[str, Any]) -> None:
        """The years after the first deal: a subscription, spare parts over the counter, service, what the client values."""
        account = f"account:{slug(name)}"
        if "recurring_amount" in money:
            self.subscribe(account, stream.partition(":")[2], day, owner, money)
        liked = self.later.choice(_LIKES)
        after = day + timedelta(days=self.later.randint(5, 60))
        if after <= LAST_DAY:
            self.note(account, ac.AccountNoted, after, owner, preference=liked, weight=self.later.randint(2, 5))
        number = 0
        while (after := after + timedelta(days=self.later.randint(40, 160))) <= LAST_DAY:
            number += 1
            if number == 3:
                self.note(account, ReferralAsked, after, "service", cards=10)
            if number == 4 and after > date(2025, 7, 5):
                self.grow(name, stream.partition(":")[2], after, owner)
            self.serve(account, after, number) if self.later.random() < 0.4 else self.order(name, after, number)
            if number % 2 == 0:
                self.note(account, ac.SatisfactionNoted, after, "service", score=self.later.choice((10, 9, 9, 8, 7, 4)))

    def grow(self, name: str, deal: str, day: date, owner: str) -> None:
        """A client buys something else as well."""
        more = f"deal:{slug(name)}-more"
        told = {"company": name, "account": slug(name), "grown_from": deal, "growth": "cross-sell", "source": "client"}
        self.note(more, de.LeadCaptured, day, owner, owner=owner, product="Training", **told)
        if day + timedelta(days=14) <= LAST_DAY:
            price = {"amount": Decimal(self.later.randint(10, 40) * 100), "currency": CURRENCY}
            self.note(more, de.DealWon, day + timedelta(days=14), owner, **price)

    def subscribe(self, account: str, deal: str, day: date, owner: str, money: dict[str, Any]) -> None:
        """A subscription, its price a year later, and its end."""
        price = {name: money[name] for name in ("recurring_amount", "interval_months", "currency")}
        begin = day + timedelta(days=1)
        if begin > LAST_DAY:
            return
        told = {"subscription": "plant-view", "deal": deal}
        self.note(account, ac.SubscriptionStarted, begin, owner, product="Plant View", term_months=12, **told, **price)
        change, renewal = begin + timedelta(days=self.later.randint(90, 330)), begin.replace(year=begin.year + 1)
        if change <= LAST_DAY and self.later.random() < 0.4:
            price["recurring_amount"] = price["recurring_amount"] * self.later.choice((80, 120, 150)) // 100
            self.note(account, ac.SubscriptionChanged, change, owner, subscription="plant-view", **price)
        if renewal <= LAST_DAY and self.later.random() < 0.8:
            self.note(account, ac.SubscriptionRenewed, renewal, owner, subscription="plant-view", term_months=12)
        elif renewal <= LAST_DAY:
            why = self.later.choice(("price", "no longer needed"))
            self.note(account, ac.SubscriptionCancelled, renewal, owner, subscription="plant-view", reason=why)

    def serve(self, account: str, day: date, number: int) -> None:
        """Something breaks; most often the client gets what the profile suggests."""
        case = f"case-{number}"
        self.note(account, ac.CaseOpened, day, "service", case_id=case, kind=ac.BROKEN, subject="sensor head")
        done = day + timedelta(days=self.later.randint(1, 9))
        if done <= LAST_DAY:
            how = self.later.choice(("repair", "repair", "replace"))
            self.note(account, ac.CaseResolved, done, "service", case_id=case, resolution=how)

    def order(self, name: str, day: date, number: int) -> None:
        """Spare parts, sold in one step; some clients pay in dollars."""
        stream, amount = f"deal:{slug(name)}-order-{number}", Decimal(self.later.randint(4, 60) * 25)
        currency = self.later.choice((CURRENCY, CURRENCY, CURRENCY, "USD"))
        told = {
            "company": name,
            "account": slug(name),
            "process": "counter",
            "source": "counter",
            "product": "Spare parts",
        }
        self.note(stream, de.LeadCaptured, day, "counter", owner="counter", **told)
        price = {"amount": amount, "currency": currency}
        sold = datetime.combine(day, time(7, 31), UTC)
        event = de.DealWon(effective_at=sold, known_at=sold, recorded_by="counter", **price)
        self.made.append((sold, len(self.made), Proposal(stream, Record(event))))


def proposals(seed: int = 7) -> Iterator[list[Proposal]]:
    """Everything that the company records in two years, in the order in which it became known, a group an event."""
    company = _Company(random.Random(seed))  # noqa: S311 - a story, not a secret
    company.begin()
    company.abroad()
    company.grown()
    day = FIRST_DAY
    while day <= LAST_DAY:
        if day.weekday() < 5:
            for _ in range(company.chance.choices((0, 1, 2, 3), (0.25, 0.4, 0.25, 0.1))[0]):
                company.lead(day)
        day += timedelta(days=1)
    # Nothing is entered before what it builds on: nobody wins what is not captured, nor is referred by whom nobody knows.
    seen: dict[str, datetime] = {}
    ordered: list[tuple[datetime, int, Proposal]] = []
    for known_at, number, proposal in company.made:
        for stream in _builds_on(proposal):
            known_at = max(known_at, seen.get(stream, known_at))
        seen[str(proposal.stream)] = known_at
        ordered.append((known_at, number, proposal))
    return ([proposal] for _, _, proposal in sorted(ordered, key=lambda m: m[:2]))


def _builds_on(proposal: Proposal) -> list[str]:
    event = proposal.command.event if isinstance(proposal.command, Record) else None
    streams = [str(proposal.stream)]
    if isinstance(event, ReferralGiven):
        streams.append(f"deal:{event.lead}")
    if isinstance(event, ac.SubscriptionStarted | ac.SubscriptionChanged | ac.SubscriptionRenewed) and event.deal:
        streams.append(f"deal:{event.deal}")
    if isinstance(event, de.DealRevised) and event.account:
        streams.append(f"account:{event.account}")
    if isinstance(event, de.LeadCaptured):
        streams += [f"account:{name}" for name in (event.referred_by, event.account) if name]
    return streams
