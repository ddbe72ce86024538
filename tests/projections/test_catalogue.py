"""What holds for every projection: its grain, exact money, one answer however it is composed; and users' own ones."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from salesledger.domain.deal_events import DealEvent
from salesledger.domain.events import event_types
from salesledger.errors import BadFile, NotFound
from salesledger.readmodel import catalogue
from salesledger.readmodel.catalogue import load, parameters_of, parse, without_parameters
from salesledger.readmodel.engine import Engine, Question
from support.answers import ordered, plain, tables
from support.books import END, Books, books, days
from support.happenings import (
    asked,
    called,
    cancelled,
    captured,
    case_opened,
    case_resolved,
    contact_added,
    contact_removed,
    contacted,
    defined,
    given_lead,
    handed_over,
    issued,
    lost,
    meeting,
    noted,
    offered,
    opened,
    person_added,
    person_forgotten,
    rate_set,
    rejected,
    renewed,
    revised,
    satisfied,
    subscribed,
    target_set,
    touched,
    won,
)
from support.story import correct, void

SHIPPED = load()
NAMES = sorted(SHIPPED)
GRAINS = {
    "accounts": ("account",),
    "attainment": ("period", "scope", "who"),
    "blocked": ("deal",),
    "board": ("deal",),
    "bookings": ("deal",),
    "cases": ("account", "case_id"),
    "contact_links": ("account", "person"),
    "contacts": ("account", "person"),
    "deal_audit": ("entry", "field"),
    "deal_changes": ("entry",),
    "deal_entries": ("entry",),
    "deal_history": ("deal", "valid_from"),
    "deal_history_as_known": ("deal", "valid_from"),
    "deal_states": ("deal",),
    "deals": ("deal",),
    "events": ("entry",),
    "funnel": ("period", "group", "process", "stage"),
    "issued_forecasts": ("entry",),
    "judgements": ("deal", "process", "process_version"),
    "discounts": ("deal",),
    "hand_over_offers": ("entry",),
    "hand_overs": ("period", "group", "handed_by", "handed_to"),
    "losses": ("period", "reason", "process", "stage", "source", "competitor"),
    "meetings": ("period", "group", "kind"),
    "persons": ("person",),
    "pain_points": ("period", "group", "pain_point"),
    "lag": ("entry",),
    "leads": ("deal",),
    "metrics": ("period", "group"),
    "pipeline": ("group", "process", "stage"),
    "pipeline_by_period": ("period", "group", "process", "stage"),
    "pipeline_moves": ("position", "deal"),
    "pipeline_walk": ("group", "line"),
    "rate_days": ("currency", "day"),
    "rate_history": ("entry",),
    "rates": ("currency",),
    "profile": ("account", "preference"),
    "referral_share": ("period", "group"),
    "referral_tree": ("path",),
    "referrals": ("period", "account"),
    "referred_leads": ("deal",),
    "satisfaction": ("period", "account"),
    "process_map": ("period", "process", "from_stage", "to_process", "to_stage", "kind"),
    "recurring": ("period", "group"),
    "renewal_deals": ("deal",),
    "renewals": ("period", "account", "subscription", "term"),
    "repeat": ("account",),
    "repeat_share": ("period", "group"),
    "stage_visits": ("deal", "visit"),
    "step_ratios": ("period", "group", "process", "stage"),
    "strikes": ("entry",),
    "suggestions": ("account",),
    "subscription_history": ("entry",),
    "subscriptions": ("account", "subscription"),
}
WALK = {f"{m}_{s}" for m in ("mrr", "arr") for s in ("opening", "new", "expansion", "contraction", "churn", "closing")}
MONEY = {
    *("amount", "recurring_amount", "value", "value_converted", "bookings", "weighted_amount", "average_deal_size"),
    *("referred_bookings", "bookings_below", "sales_velocity", "quota", "gap", "commit", "best_case", "pipeline"),
    *("lo_95", "lo_80", "median", "hi_80", "hi_95", "actual", "error", "pinball"),
    *("stage_amount", "amount_lost", "list_amount", "discount_amount"),
    *("mrr_converted", "arr_converted", "mrr_exchange", "arr_exchange"),
    *("mrr", "arr", "mrr_before", "arr_before", "repeat_bookings", "new_bookings", "renewals_due_mrr", *WALK),
}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """A ledger with something of everything."""
    made = books(tmp_path_factory.mktemp("catalogue"), "Europe/Berlin")
    made.record("account:x", opened(1), asked(2))
    made.record("process:art", defined(1, criteria=[{"attribute": "size", "at_least": 10}]))
    for n, name in enumerate("abcdefgh"):
        made.record(name, touched(n), captured(n + 1, account="x", owner="kim" if n % 2 else None, amount=str(n)))
        made.record(name, meeting(n + 2 + n % 3), contacted(n + 9))
    made.record("a", offered(10), won(12)).record("b", lost(11, reason="price")).record("beta", captured(3))
    made.record("target:kim", target_set(1, owner="kim", begins_on=date(2026, 1, 1), ends_on=date(2026, 1, 5)))
    made.record("target:all", called(2, begins_on=date(2026, 1, 9), ends_on=date(2026, 2, 9)))
    made.record("target:all", issued(2, begins_on=date(2026, 1, 9), ends_on=date(2026, 1, 12)))
    made.record("p", captured(3, amount="5"), handed_over(4), rejected(5), meeting(6, pain_points=["slow", "dear"]))
    made.record("p", offered(7, amount="5", list_amount="6"), won(8))
    made.record("q", captured(2), lost(4))
    made.record("account:x", given_lead(4)).record("c", void(17)).record("d", correct(21, contacted(13)))
    made.record("rate:USD", rate_set(1), rate_set(4, rate="0.8")).record("h", offered(13, currency="USD"))
    made.record("account:x", noted(3), noted(4, preference="price"), case_opened(4), case_resolved(6), satisfied(5))
    made.record("g", revised(14, expected_close="2026-01-20"))
    made.record("account:y", opened(-60), subscribed(-25, term_months=1), subscribed(2, subscription="max"))
    made.record("account:y", renewed(6, deal="q"), cancelled(7))
    made.record("person:p-1", person_added(1)).record("account:x", contact_added(8), contact_added(9, role="user"))
    made.record("person:p-2", person_added(2)).record("account:x", contact_added(8, person="p-2"))
    made.record("account:x", contact_removed(9, person="p-2")).record("person:p-2", person_forgotten(10))
    made.record("h", meeting(14, persons=["p-1"]))
    return made


@pytest.fixture(scope="module")
def engine(ledger: Books) -> Iterator[Engine]:
    """What answers."""
    with Engine.open(ledger.path) as opened_engine:
        yield opened_engine


@pytest.mark.parametrize("name", NAMES)
class TestShippedProjections:
    def test_keeps_its_grain(self, name: str, engine: Engine) -> None:
        """No two rows are about the same."""
        rows = engine.answer(
            name, Question(END, END, periods=days(1, 5, 9) if "period" in GRAINS[name] else ())
        ).dicts()
        keys = [tuple(row[column] for column in GRAINS[name]) for row in rows]
        assert keys
        assert len(set(keys)) == len(keys)

    def test_keeps_money_exact_and_beside_its_currency(self, name: str, engine: Engine) -> None:
        """Decimals, never floats."""
        answer = engine.answer(name)
        kinds = {c: kind for c, kind in zip(answer.columns, answer.types, strict=True) if c in MONEY}
        assert all(kind.startswith("DECIMAL") for kind in kinds.values())
        assert not kinds or "currency" in answer.columns

    def test_answers_alike_however_it_is_composed(self, name: str, engine: Engine, ledger: Books) -> None:
        """In one statement, as the engine does it, or one projection at a time, as the laws do."""
        question = Question(END, END, periods=days(1, 9, 40), by="owner")
        with tables(ledger.path, question.periods) as alone:
            rows = alone.ask(name, END, END, "owner")
        together = [plain(row) for row in engine.answer(name, question).dicts()]
        assert rows
        assert ordered(together) == ordered(rows)


def test_every_projection_has_a_grain_here() -> None:
    """A new one is added to the table above."""
    assert set(GRAINS) == set(SHIPPED)


def test_deal_entries_sets_what_the_domain_says() -> None:
    """Its CASEs repeat SETS and STATUS of the events."""
    sql = " ".join(SHIPPED["deal_entries"].sql.split())
    setting = {cls.type_name(): cls for cls in event_types().values() if issubclass(cls, DealEvent)}
    for attribute in {name for cls in setting.values() for name in cls.SETS}:
        types = {name for name, cls in setting.items() if attribute in cls.SETS}
        case = sql.split(f"THEN {attribute} END AS {attribute}")[0].rpartition("CASE WHEN type IN (")[2]
        assert {name.strip(" ')") for name in case.split(",")} == types
    for name, cls in setting.items():
        assert (f"WHEN '{name}' THEN '{cls.STATUS}'" in sql) == (cls.STATUS is not None)


OWN = """-- big: deals above a thousand
-- grain: one row a deal
-- needs: deals
-- parameters: $as_of, $known_at
-- columns:
--   deal: deal id
--   value: what it is worth
SELECT deal, value FROM deals WHERE value > 1000 ORDER BY deal;
"""


class TestOwnProjections:
    """A folder `projections/` beside the ledger."""

    @pytest.fixture
    def mine(self, tmp_path: Path) -> Books:
        """A ledger with two deals, and an empty folder."""
        (tmp_path / "projections").mkdir()
        made = books(tmp_path)
        return made.record("a", captured(1, amount="5000", owner="kim")).record(
            "b", captured(1, amount="5", owner="lee")
        )

    def add(self, mine: Books, name: str, text: str) -> None:
        """Put a file there."""
        (mine.path.parent / "projections" / name).write_text(text)

    def test_add_to_the_shipped_ones(self, mine: Books) -> None:
        """And may need them."""
        self.add(mine, "big.sql", OWN)
        assert mine.ask("big", "deal", "value") == [("a", 5000)]
        with Engine.open(mine.path) as engine:
            assert engine.projections["big"].own
            assert engine.projections["big"].title == "deals above a thousand"
            assert not engine.projections["deals"].own

    def test_are_found_only_beside_the_ledger(self, mine: Books, tmp_path: Path) -> None:
        """Another ledger has its own."""
        self.add(mine, "big.sql", OWN)
        (tmp_path / "elsewhere").mkdir()
        other = books(tmp_path / "elsewhere")
        with pytest.raises(NotFound, match="There is no projection 'big'"):
            other.ask("big")

    @pytest.mark.parametrize(
        ("name", "text", "why"),
        [
            ("Big", OWN, "'Big.sql' can't name a projection"),
            ("decoded", OWN, "'decoded.sql' can't name a projection"),
            ("big", "SELECT 1", "has no line '-- big: ...' in its header"),
            ("big", OWN.partition("SELECT")[0], "holds no SQL after its header"),
        ],
    )
    def test_that_cannot_be_read_are_refused(self, mine: Books, name: str, text: str, why: str) -> None:
        """With the file and what it lacks, where they are asked for; the others answer."""
        self.add(mine, f"{name}.sql", text)
        with pytest.raises(BadFile) as refusal:
            mine.ask(name)
        assert why in str(refusal.value)
        assert f"{name}.sql" in str(refusal.value)
        assert len(mine.ask("pipeline", "deals")) == 1

    def test_that_need_what_is_not_there_are_refused(self, mine: Books) -> None:
        """With the name that is missing."""
        self.add(mine, "big.sql", OWN.replace("needs: deals", "needs: dealz"))
        with pytest.raises(NotFound, match=r"There is no projection 'dealz'. Did you mean 'deals'\?"):
            mine.ask("big")


class TestParsing:
    def test_takes_the_header_apart(self) -> None:
        """Comments and the closing semicolon are no part of the statement."""
        projection = parse("big", OWN + "-- the end\n")
        assert (projection.grain, projection.needs, projection.parameters) == (
            "one row a deal",
            ("deals",),
            ("as_of", "known_at"),
        )
        assert projection.columns == {"deal": "deal id", "value": "what it is worth"}
        assert projection.sql == "SELECT deal, value FROM deals WHERE value > 1000 ORDER BY deal"

    def test_finds_parameters_outside_texts_and_comments(self) -> None:
        """'$as_of' in quotes is a text."""
        assert parameters_of("SELECT $as_of, '$by', 'it''s $x' -- $known_at\n/* $y */") == {"as_of"}
        assert without_parameters("SELECT $as_of, '$by'") == "SELECT NULL, '$by'"

    def test_looks_for_the_shipped_ones_beside_the_package_or_in_the_checkout(self) -> None:
        """They are always found."""
        assert {file.stem for file in catalogue.shipped_folder().glob("*.sql")} == set(SHIPPED)
