"""Accounts and their referrals, and what holds for the whole ledger."""

from zoneinfo import available_timezones

import pytest
from pydantic import ValidationError

from salesledger.domain.events import Event
from salesledger.errors import Refused
from support.happenings import asked, at, captured, currency_set, given_lead, ledger_opened, opened
from support.story import given, void

ACCOUNT, SETTINGS = "account:acme", "settings:ledger"


@pytest.mark.parametrize(
    ("before", "step", "why"),
    [
        ([opened(1)], opened(2), "acme: the account was opened already on 2026-01-01."),
        ([], asked(2), "acme: the account is not open yet on 2026-01-02; open it first, or with an earlier date."),
        ([opened(3)], given_lead(2), "the account is not open yet on 2026-01-02"),
        ([opened(1)], asked(2, names=None), "a referral was asked for neither names nor cards; give how many"),
        ([opened(1)], asked(2, names=0, cards=0), "a referral was asked for neither names nor cards"),
        ([opened(1), given_lead(2)], given_lead(3), "the referral of 'beta' is on record already"),
        ([opened(1)], captured(2), "lead-captured is an event of a deal, not of account:acme"),
        ([opened(1)], ledger_opened(2), "ledger-opened is an event of a settings, not of account:acme"),
    ],
)
def test_impossible_steps_of_an_account_are_refused(before: list[Event], step: Event, why: str) -> None:
    """With the reason."""
    assert why in given(*before, stream=ACCOUNT).refuses(step, Refused)


def test_an_account_opens_asks_and_gives() -> None:
    """The referrals that it gave are remembered."""
    story = given(opened(1), asked(2, cards=3), given_lead(3), given_lead(4, lead="gamma"), stream=ACCOUNT)
    assert (story.state.company, story.state.opened_at) == ("Acme", at(1))
    assert story.state.leads_referred == ("beta", "gamma")


def test_a_referral_that_was_a_mistake_can_be_given_again() -> None:
    """Once it is struck."""
    story = given(opened(1), given_lead(2), void(2), given_lead(3), stream=ACCOUNT)
    assert story.state.leads_referred == ("beta",)


def test_an_opening_that_others_rest_on_is_not_voided() -> None:
    """What the account did later needs it."""
    assert "entry 2 (referral-asked on 2026-01-02)" in given(opened(1), asked(2), stream=ACCOUNT).refuses(void(1))


class TestSettings:
    def test_a_ledger_begins_once(self) -> None:
        """With its identity and its time zone."""
        story = given(ledger_opened(1, timezone="Europe/Berlin"), stream=SETTINGS, currency=None)
        assert (story.state.ledger_id, story.state.timezone, story.state.currency) == ("0a", "Europe/Berlin", None)
        assert "the ledger is open already" in story.refuses(ledger_opened(2), Refused)

    def test_a_ledger_has_one_currency(self) -> None:
        """Set once."""
        story = given(ledger_opened(1), currency_set(2, currency="CHF"), stream=SETTINGS, currency=None)
        assert story.state.currency == "CHF"
        assert "the ledger's currency is CHF already" in story.refuses(currency_set(3), Refused)

    @pytest.mark.parametrize(
        "bad", ["Berlin", "", "Europe/Bärlin", "../../etc/passwd", "/etc/localtime", "CEST", "a\x00b"]
    )
    def test_a_time_zone_is_one_of_ianas(self, bad: str) -> None:
        """And nothing else that a file may be called."""
        with pytest.raises(ValidationError, match="is not a time zone; write one like Europe/Berlin or UTC"):
            ledger_opened(1, timezone=bad)

    def test_every_time_zone_of_iana_is_taken(self) -> None:
        """The machine's own list."""
        zones = {z for z in available_timezones() if not z.startswith(("posix", "right/"))} - {"localtime", "Factory"}
        assert len(zones) > 400
        assert all(ledger_opened(1, timezone=zone).timezone == zone for zone in zones)
