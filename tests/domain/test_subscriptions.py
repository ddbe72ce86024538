"""What can happen to a subscription, and when."""

import pytest
from pydantic import ValidationError

from salesledger.domain.events import Event
from salesledger.errors import Refused
from support.happenings import at, cancelled, opened, renewed, repriced, subscribed
from support.story import given, void

ACCOUNT = "account:acme"


@pytest.mark.parametrize(
    ("before", "step", "why"),
    [
        ([], subscribed(2), "the account is not open yet on 2026-01-02"),
        (
            [opened(1), subscribed(2)],
            subscribed(3),
            "the subscription 'pro' exists already; give the new one another id",
        ),
        ([opened(1), subscribed(2), cancelled(3)], subscribed(4), "the subscription 'pro' exists already"),
        (
            [opened(1)],
            renewed(2),
            "there is no subscription 'pro' on 2026-01-02; the account's subscriptions are: none yet",
        ),
        ([opened(1), subscribed(5)], repriced(4), "there is no subscription 'pro' on 2026-01-04"),
        ([opened(1), subscribed(2), cancelled(3)], cancelled(4), "'pro' was cancelled already; start a new one"),
        ([opened(1), subscribed(2), cancelled(3)], renewed(4), "'pro' was cancelled already; start a new one"),
        ([opened(1), subscribed(2), renewed(5)], cancelled(4), "that would make what follows impossible"),
        (
            [opened(1)],
            subscribed(2, recurring_amount=None, interval_months=None),
            "a subscription needs a recurring amount",
        ),
        (
            [opened(1), subscribed(2)],
            repriced(3, recurring_amount=None, interval_months=None),
            "nothing was changed; give the new recurring amount",
        ),
    ],
)
def test_impossible_steps_are_refused(before: list[Event], step: Event, why: str) -> None:
    """With the reason."""
    assert why in given(*before, stream=ACCOUNT, first_rate={"CHF": at(1)}.get).refuses(step, Refused)


def test_it_runs_until_it_is_cancelled() -> None:
    """And again where the cancellation is struck out."""
    story = given(opened(1), subscribed(2), repriced(3), renewed(4), cancelled(5), stream=ACCOUNT)
    assert dict(story.state.subscriptions) == {"pro": False}
    assert dict(story.then(void(5)).state.subscriptions) == {"pro": True}


@pytest.mark.parametrize("lacking", ["interval_months", "recurring_amount"])
def test_a_price_is_whole(lacking: str) -> None:
    """An amount, its interval and its currency go together."""
    with pytest.raises(ValidationError, match="go together"):
        repriced(2, **{lacking: None, "currency": "EUR"})
