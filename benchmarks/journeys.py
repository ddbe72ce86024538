"""The journeys of made-up deals through the B2B process: what each event says, when it happened and when it became known."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from salesledger.domain import account, deal_events, process, settings, target
from salesledger.domain.events import TOPICS
from salesledger.domain.process import B2B
from salesledger.domain.values import slug

EVENTS_A_DEAL = 12.0
"""Events that a deal has on average, those of its account included."""

ENTRY = '"@"'
"""Stands in an event's text for the entry of an earlier event of the same journey, which only the log knows."""

DAY = 86_400
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- written out with a Z
_TO_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_MODULES = (account, deal_events, process, settings, target)  # importing them fills TOPICS
_ORDER = {cls.type_name(): (topic, tuple(cls.model_fields)) for topic, cls in TOPICS.items()}
_STAGES = B2B.names
_ENTERED = {name: position for position, stage in enumerate(B2B.stages) for name in stage.entered_by}
_CAN_BE_LATE = (
    "lead-contacted",
    "lead-qualified",
    "meeting-held",
    "deal-revised",
    "offer-made",
    "deal-won",
    "deal-lost",
)
_CAN_BE_VOIDED = ("lead-contacted", "deal-revised")


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "Alpen Baltic Castell Delta Elbe Falke Granit Hansa Isar Jura Kiefer Möwe Nordwind Orion Prisma Quarz Rhein"
)
_SECOND = _words("Logistik Systems Maschinenbau Pharma Energie Foods Textil Optik Medien Analytics Stahl Labor Bau")
_FORM = _words("GmbH AG Ltd Inc BV SA")
_SDRS = [f"sdr{n}" for n in range(1, 13)]
_SELLERS = _words(
    "kim lee ana bo carla dmitri eva finn gita hugo iris jon kaya lars mia nils olga pia quinn rosa sven tara"
)
_SOURCES = _words("outbound advertising pr gated-content email-list inbound-phone event")
_CAMPAIGNS = _words("spring-fair webinar whitepaper mailing roadshow")
_SEGMENTS, _TEAMS, _PRODUCTS = (
    ("smb", "mid-market", "enterprise"),
    ("north", "south", "west"),
    ("core", "plus", "platform"),
)
_SECTORS, _SIZES = ("industry", "retail", "health", "finance", "public"), ("1-9", "10-49", "50-249", "250-999", "1000+")
_CHANNELS, _OUTCOMES = ("phone", "email", "linkedin"), ("no answer", "call back later", "interested", "left a message")
_PAINS = (
    "reporting takes days",
    "data in silos",
    "manual entry",
    "renewals are missed",
    "no forecast",
    "slow onboarding",
)
_LIKES = ("repair", "uptime", "price", "speed")
_REASONS, _RIVALS = (
    ("price", "no budget", "timing", "missing feature", "no decision"),
    ("Acme CRM", "Globex", "Initech", None),
)


@dataclass(slots=True)
class Step:
    """One event of a journey.

    Attributes:
        at: when it happened, in seconds since 1970.
        known: when it became known.
        stream: where it belongs.
        name: its type.
        fields: what it says besides.
        about: the step that it voids or replaces.
    """

    at: int
    known: int
    stream: str
    name: str
    fields: dict[str, object]
    about: "Step | None" = None

    def encode(self) -> tuple[str, str]:
        """Its topic and its text, as the mapper would write it, with ENTRY where an entry is missing."""
        topic, order = _ORDER[self.name]
        said = self.fields | {
            "effective_at": _instant(self.at),
            "known_at": _instant(self.known),
            "source_system": "crm",
        }
        return topic, _TO_JSON({f: said[f] for f in order if f in said})


def _instant(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat() + "Z"


def journey(rng: Random, number: int, start: int, referrers: Sequence[str]) -> list[Step]:
    """The events of one deal and of the account that it may lead to, in the order in which they became known.

    Args:
        rng: where chance comes from.
        number: the deal's number, which makes its id unique.
        start: when the journey begins, in seconds since 1970.
        referrers: ids of accounts that may have referred it.
    """
    made = _Journey(rng, number, start)
    made.walk(referrers)
    return made.in_order()


class _Journey:
    """A journey as it comes to be: `at` is the deal's own clock."""

    def __init__(self, rng: Random, number: int, start: int) -> None:
        self.rng = rng
        self.at = start
        self.steps: list[Step] = []
        first, second = rng.choice(_FIRST), rng.choice(_SECOND)
        self.company = f"{first} {second} {rng.choice(_FORM)}"
        self.id = f"{slug(f'{first} {second}')}-{number}"
        self.campaign = f"{_instant(start)[:4]}-{rng.choice(_CAMPAIGNS)}"
        self.actor = rng.choice(_SDRS)
        self.money: dict[str, object] = {}

    def walk(self, referrers: Sequence[str]) -> None:
        rng = self.rng
        if rng.random() < 0.1:
            self.add("lead-touched", 0, company=self.company, channel="webinar", campaign=self.campaign)
        self.capture(referrers)
        for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
            self.add("lead-contacted", 3, channel=rng.choice(_CHANNELS), outcome=rng.choice(_OUTCOMES))
        if rng.random() < 0.25:
            self.add("lead-disqualified", 4, reason=rng.choice(_REASONS))
            return
        self.add(
            "lead-qualified",
            5,
            use_case=rng.choice(_PAINS),
            budget="approved",
            authority="head of sales",
            timing="this year",
        )
        seller = rng.choice(_SELLERS)
        self.add("lead-handed-over", 2, handed_to=seller, handed_by=self.actor)
        self.actor = seller
        self.add("lead-accepted", 1, owner=seller)
        for _ in range(rng.choice((1, 1, 2, 3))):
            self.add(
                "meeting-held",
                8,
                kind=rng.choice(("meeting", "demo")),
                attendees=rng.randint(1, 8),
                pain_points=rng.sample(_PAINS, 2),
            )
        if rng.random() < 0.15:
            self.add("trial-started", 3, product=rng.choice(_PRODUCTS))
            self.add("trial-ended", 14, outcome="successful")
        self.revise()
        self.sell()
        if self.steps[-1].name == "deal-lost" and rng.random() < 0.08:
            self.add("deal-reopened", 60, process="b2b", stage=self.stage_now(), reason="budget approved after all")
            self.sell()
        if self.steps[-1].name == "deal-won":
            self.open_account()

    def add(self, name: str, days: float, /, **fields: object) -> None:
        """Something happens to the deal, about so many days later."""
        self._step(f"deal:{self.id}", name, days, fields)

    def add_to_account(self, name: str, days: float, /, **fields: object) -> None:
        """Something happens to the account that the deal led to."""
        self._step(f"account:{self.id}", name, days, fields)

    def _step(self, stream: str, name: str, days: float, fields: dict[str, object]) -> None:
        self.at += 60 + int(self.rng.expovariate(1 / days) * DAY) if days else 0
        self.steps.append(Step(self.at, self.at, stream, name, fields | {"recorded_by": self.actor}))

    def capture(self, referrers: Sequence[str]) -> None:
        rng = self.rng
        referred = bool(referrers) and rng.random() < 0.05
        fields: dict[str, object] = {"source": "referral" if referred else rng.choice(_SOURCES)}
        fields |= {"referred_by": rng.choice(referrers)} if referred else {"campaign": self.campaign}
        fields |= {"team": rng.choice(_TEAMS), "product": rng.choice(_PRODUCTS), "segment": rng.choice(_SEGMENTS)}
        fields |= {
            "process": "b2b",
            "stage": _STAGES[0],
            "process_version": 1,
            "company": self.company,
            "owner": self.actor,
        }
        fields |= {"attributes": {"size": rng.choice(_SIZES), "sector": rng.choice(_SECTORS)}}
        self.add("lead-captured", 2, **fields, **(self.price() if rng.random() < 0.3 else {}))

    def revise(self) -> None:
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            close = (_EPOCH + timedelta(seconds=self.at, days=self.rng.randint(14, 120))).date().isoformat()
            category = self.rng.choice(("pipeline", "best-case", "commit"))
            self.add("deal-revised", 6, **self.price(), expected_close=close, category=category)

    def sell(self) -> None:
        rng = self.rng
        for _ in range(rng.choice((1, 1, 2))):
            self.add("offer-made", 10, **self.price())
            agreed = self.money
        if rng.random() < 0.3:
            self.add("offer-countered", 5, **self.price())
        if rng.random() < 0.6:
            self.add("paperwork-sent", 6, kind="contract")
        elif self.stage_now() != _STAGES[-1]:
            self.add("deal-advanced", 6, process="b2b", stage=_STAGES[-1])
        if rng.random() < 0.4:
            self.add("deal-won", 9, **agreed)
        else:
            rival = rng.choice(_RIVALS)
            self.add("deal-lost", 12, reason=rng.choice(_REASONS), **({"competitor": rival} if rival else {}))

    def open_account(self) -> None:
        self.add_to_account("account-opened", 1, company=self.company)
        self.add("deal-revised", 0.1, account=self.id)
        if self.rng.random() < 0.3:
            self.add_to_account("referral-asked", 30, names=self.rng.randint(1, 5))
        self.keep()

    def keep(self) -> None:
        """What follows in the years after: a subscription, service, what the client values."""
        rng, sold = self.rng, next(s for s in reversed(self.steps) if s.name == "deal-won").fields
        if rng.random() < 0.5:
            self.add_to_account("account-noted", 20, preference=rng.choice(_LIKES), weight=rng.randint(1, 5))
        if "recurring_amount" in sold:
            price = {name: sold[name] for name in ("recurring_amount", "interval_months", "currency")}
            about = {"subscription": "main", "deal": self.id}
            self.add_to_account("subscription-started", 2, **about, product="platform", term_months=12, **price)
            if rng.random() < 0.4:
                price["recurring_amount"] = f"{rng.lognormvariate(6, 0.8):.2f}"
                self.add_to_account("subscription-changed", 90, subscription="main", **price)
            if rng.random() < 0.3:
                self.add_to_account("subscription-cancelled", 120, subscription="main", reason="price")
        if rng.random() < 0.3:
            self.add_to_account("case-opened", 40, case_id="first", kind="question", subject="an invoice")
            self.add_to_account("case-resolved", 4, case_id="first", resolution="explained")
            self.add_to_account("satisfaction-noted", 2, score=rng.randint(3, 10))

    def price(self) -> dict[str, object]:
        """An amount, which `money` keeps."""
        amount = f"{self.rng.lognormvariate(9, 1.1):.2f}"
        self.money = {"amount": amount, "currency": "EUR"}
        if self.rng.random() < 0.3:
            monthly = f"{self.rng.lognormvariate(6, 0.8):.2f}"
            self.money |= {
                "recurring_amount": monthly,
                "interval_months": 1,
                "term_months": self.rng.choice((12, 24, 36)),
            }
        return self.money

    def stage_now(self) -> str:
        """The stage that the deal has come to, as long as nothing is late."""
        moved = [_STAGES.index(str(s.fields["stage"])) for s in self.steps if "stage" in s.fields]
        return _STAGES[max(moved + [_ENTERED[s.name] for s in self.steps if s.name in _ENTERED])]

    def in_order(self) -> list[Step]:
        """The steps as they became known: some late, some struck out later, each that moves the deal with its stage."""
        chance = self.rng.random()
        if chance < 0.145:
            late = self.rng.choice([s for s in self.steps if s.name in _CAN_BE_LATE])
            if not (late.name == "deal-lost" and late is not self.steps[-1]):
                late.known += self.rng.randint(1 * DAY, 30 * DAY)
        self.steps.sort(key=lambda s: s.known)
        self.move()
        if chance > 0.985:
            self.strike([s for s in self.steps if s.name in _CAN_BE_VOIDED], corrected=False)
        elif chance > 0.97:
            self.strike(
                [s for s in self.steps if s.name in ("deal-revised", "offer-made") and "amount" in s.fields],
                corrected=True,
            )
        return self.steps

    def move(self) -> None:
        """Give each event the stage that it moves the deal to, judged at its place among those known before it."""
        moved: list[tuple[int, int]] = []
        for step in self.steps:
            position = (
                _STAGES.index(str(step.fields["stage"])) if "stage" in step.fields else _ENTERED.get(step.name, -1)
            )
            before = max((m for m in moved if m[0] < step.at), default=(0, -1))[1]
            if "stage" in step.fields or position > before:
                step.fields |= {"process": "b2b", "stage": _STAGES[position]}
                moved.append((step.at, position))

    def strike(self, choice: Sequence[Step], *, corrected: bool) -> None:
        """Void one of the steps some days after it became known, and put another in its place where it is corrected."""
        if not choice:
            return
        about = self.rng.choice(choice)
        known = about.known + self.rng.randint(60, 20 * DAY)
        reason = {"recorded_by": "ops", "voids": "@", "void_root": "@", "strikes": True, "void_reason": "typed wrongly"}
        self.steps.append(Step(known, known, about.stream, "event-voided", reason, about))
        if corrected:
            fields = about.fields | self.price() | {"rank": "@", "replaces": "@"}
            self.steps.append(Step(about.at, known, about.stream, about.name, fields, about))
        self.steps.sort(key=lambda s: s.known)
