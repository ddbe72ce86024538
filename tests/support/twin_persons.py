"""Persons once more, slowly: who is known, whose contact they are, whom we met; texts as long as nobody forgot them."""

from __future__ import annotations

from salesledger.domain.account import ContactAdded, ContactRemoved
from salesledger.domain.deal_events import MeetingHeld
from salesledger.domain.person import PersonAdded, PersonForgotten, PersonRevised
from support.answers import Row
from support.twins import Asked, by_id, happened

TEXTS = ("name", "email", "phone", "position", "remark")


def persons(asked: Asked) -> list[Row]:
    """Twin of `persons`: the last text of each kind; none of those who were forgotten, whenever that was."""
    gone = {record.id for record in asked.log if isinstance(record.event, PersonForgotten)}
    links = contact_links(asked)
    met = [r for r in happened(asked, "deal") if isinstance(r.event, MeetingHeld)]
    rows = []
    for person, records in by_id(happened(asked, "person")).items():
        added = [asked.day(r.event.effective_at) for r in records if isinstance(r.event, PersonAdded)]
        if not added:
            continue
        texts: Row = dict.fromkeys(TEXTS)
        for record in records:
            if isinstance(record.event, PersonAdded | PersonRevised):
                told = {name: getattr(record.event, name) for name in TEXTS}
                texts |= {n: "(erased)" if person in gone else text for n, text in told.items() if text is not None}
        present = [asked.day(r.event.effective_at) for r in met if person in (r.event.persons or ())]  # type: ignore[attr-defined]
        forgotten = [asked.day(r.event.effective_at) for r in records if isinstance(r.event, PersonForgotten)]
        accounts = sorted(link["account"] for link in links if link["person"] == person)
        rows.append(
            {
                "person": person,
                **texts,
                "contact_of": ", ".join(accounts) or None,
                "meetings": len(present),
                "last_met_on": max(present, default=None),
                "added_on": max(added),
                "forgotten_on": max(forgotten, default=None),
            }
        )
    return rows


def contact_links(asked: Asked) -> list[Row]:
    """Twin of `contact_links`: told one by one, a removal forgets what was said before it."""
    links: dict[tuple[str, str], Row] = {}
    for record in happened(asked, "account"):
        event = record.event
        if isinstance(event, ContactRemoved):
            links.pop((record.id, event.person), None)
        elif isinstance(event, ContactAdded):
            day = asked.day(event.effective_at)
            link = links.setdefault(
                (record.id, event.person), {"account": record.id, "person": event.person, "role": None, "since_on": day}
            )
            link["role"] = event.role or link["role"]
    return list(links.values())


def contacts(asked: Asked) -> list[Row]:
    """Twin of `contacts`."""
    known = {row["person"]: row for row in persons(asked)}
    shown = ("name", "position", "email", "phone", "meetings", "last_met_on")
    return [
        {**link, **{name: known.get(link["person"], {}).get(name) for name in shown}} for link in contact_links(asked)
    ]
