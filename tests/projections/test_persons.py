"""Persons, contacts, who was present; and what is left of somebody who was forgotten."""

from datetime import date
from pathlib import Path

import pytest

from support.books import Books, books
from support.happenings import (
    at,
    captured,
    contact_added,
    contact_removed,
    meeting,
    opened,
    person_added,
    person_forgotten,
    person_revised,
)
from support.story import correct, void


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """A ledger with the accounts x (entry 4) and y, and the person p-1 (entry 6)."""
    made = books(tmp_path).record("account:x", opened(1), now=at(2)).record("account:y", opened(1), now=at(2))
    return made.record("person:p-1", person_added(2, email="a@example.org"), now=at(2))


class TestPersons:
    def test_have_the_last_text_of_each_kind(self, ledger: Books) -> None:
        """By the date of what was learned, as known at the question's date."""
        ledger.record("person:p-1", person_revised(5, name="Ann Married", phone=None, position="boss"), now=at(9))
        columns = ("person", "name", "email", "phone", "position")
        assert ledger.one("persons", *columns) == ("p-1", "Ann Married", "a@example.org", None, "boss")
        assert ledger.one("persons", *columns, as_of=at(4)) == ("p-1", "Ann Example", "a@example.org", None, None)
        assert ledger.one("persons", "name", known_at=at(8)) == ("Ann Example",)
        assert ledger.ask("persons", "name", as_of=at(1)) == []

    def test_follow_voids_and_corrections(self, ledger: Books) -> None:
        """From when they were known."""
        ledger.record("person:p-1", correct(6, person_added(2, name="Anne Example")), now=at(20))
        assert ledger.one("persons", "name", "email") == ("Anne Example", None)
        assert ledger.one("persons", "name", "email", known_at=at(10)) == ("Ann Example", "a@example.org")

    def test_are_counted_at_meetings(self, ledger: Books) -> None:
        """Once for each at which they were named."""
        ledger.record("person:p-2", person_added(2)).record("acme", captured(1))
        ledger.record("acme", meeting(3, persons=["p-1", "p-2"]), meeting(5, persons=["p-1"]), meeting(7))
        columns = ("person", "meetings", "last_met_on")
        assert ledger.ask("persons", *columns) == [("p-1", 2, date(2026, 1, 5)), ("p-2", 1, date(2026, 1, 3))]
        assert ledger.ask("persons", "meetings", as_of=at(2)) == [(0,), (0,)]

    def test_that_were_forgotten_are_erased_at_every_date(self, ledger: Books) -> None:
        """The past can't be told any more either; what was never said stays empty."""
        ledger.record("person:p-1", person_forgotten(20), now=at(20))
        columns = ("name", "email", "phone", "added_on", "forgotten_on")
        told = ("(erased)", "(erased)", None, date(2026, 1, 2))
        assert ledger.one("persons", *columns) == (*told, date(2026, 1, 20))
        assert ledger.one("persons", *columns, as_of=at(10)) == (*told, None)
        assert ledger.one("persons", *columns, known_at=at(10)) == (*told, None)

    def test_without_a_key_are_told_apart_from_the_forgotten(self, ledger: Books) -> None:
        """Whoever reads a copy without its keys sees that there is something."""
        ledger.path.with_name(ledger.path.name + ".keys").unlink()
        assert ledger.one("persons", "name", "email", "forgotten_on") == ("(no key)", "(no key)", None)


class TestContacts:
    def test_play_the_last_role_that_was_said(self, ledger: Books) -> None:
        """Since the first day; without a new role, the old one stands."""
        ledger.record("account:x", contact_added(3, role="user"), contact_added(5, role="champion"), contact_added(7))
        columns = ("account", "person", "name", "role", "since_on")
        assert ledger.one("contacts", *columns) == ("x", "p-1", "Ann Example", "champion", date(2026, 1, 3))
        assert ledger.one("contacts", "role", as_of=at(4)) == ("user",)

    def test_end_and_begin_again(self, ledger: Books) -> None:
        """With nothing left of the role that they had before."""
        ledger.record("account:x", contact_added(3, role="user"), contact_removed(5), contact_added(7))
        assert ledger.one("contacts", "role", "since_on") == (None, date(2026, 1, 7))
        assert ledger.ask("contacts", "role", as_of=at(6)) == []
        assert ledger.one("contacts", "role", "since_on", as_of=at(4)) == ("user", date(2026, 1, 3))

    def test_may_be_of_several_accounts(self, ledger: Books) -> None:
        """In the order of their ids."""
        ledger.record("account:y", contact_added(3)).record("account:x", contact_added(4))
        assert ledger.one("persons", "contact_of") == ("x, y",)
        ledger.record("account:x", void(8))
        assert ledger.one("persons", "contact_of") == ("y",)
