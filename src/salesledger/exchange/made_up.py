"""A made-up company's two years of selling, the same every time: for the demo and for trying things out."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from salesledger.domain import deal_events as de
from salesledger.domain.account import AccountOpened, ReferralAsked, ReferralGiven
from salesledger.domain.decide import Record
from salesledger.domain.events import Event
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


@dataclass
class _Company:
    chance: random.Random
    made: list[tuple[datetime, int, Proposal]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

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
        money = {"amount": format(amount, "f"), "currency": CURRENCY} | (
            recurring if self.chance.random() < 0.4 else {}
        )
        for step, (chance, mean_days) in _STEPS.items():
            day = self.after(day, mean_days * self.chance.choices((1, 2.5, 9), (0.84, 0.11, 0.05))[0])
            if day > LAST_DAY:
                return
            if self.chance.random() > chance:
                reason, competitor = self.chance.choice(_LOSSES)
                self.say(stream, de.DealLost, day, owner, reason=reason, competitor=competitor)
                return
            if step == "meeting":
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
                self.say(stream, de.OfferMade, day, owner, **money)
            elif step == "negotiation":
                self.say(stream, de.PaperworkSent, day, owner)
            else:
                self.win(stream, name, day, owner, money)

    def win(self, stream: str, name: str, day: date, owner: str, money: dict[str, Any]) -> None:
        """A client, who is asked for names and often gives one."""
        self.say(stream, de.DealWon, day, owner, **money)
        self.say(f"account:{slug(name)}", AccountOpened, day, owner, company=name)
        asked = day + timedelta(days=30)
        if asked > LAST_DAY:
            return
        self.say(f"account:{slug(name)}", ReferralAsked, asked, owner, names=5)
        if self.chance.random() < 0.4:
            given = self.after(asked, 10)
            if given <= LAST_DAY:
                self.lead(given, referred_by=slug(name))


def proposals(seed: int = 7) -> Iterator[list[Proposal]]:
    """Everything that the company records in two years, in the order in which it became known, a group an event."""
    company = _Company(random.Random(seed))  # noqa: S311 - a story, not a secret
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
    if isinstance(event, de.LeadCaptured) and event.referred_by:
        streams.append(f"account:{event.referred_by}")
    return streams
