"""The example's rules, on rows written here in the ways in which that file goes around."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from exchange.importing import Shop, day, reasons
from salesledger.exchange.rules import read_rules
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Period

RULES = read_rules(Path(__file__).parent.parent.parent / "examples" / "maven_crm.toml")
HEADER = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value"
ROWS = [
    ("1AAAAAAA", "Ann Lee", "GTXPro", "Oak Ltd", "Won", date(2026, 1, 20), date(2026, 3, 1), "1054"),
    ("2BBBBBBB", "Ann Lee", "MG Special", "Oak Ltd", "Lost", date(2026, 1, 25), date(2026, 3, 7), "0"),
    ("3CCCCCCC", "Bo Ray", "GTX Basic", "", "Engaging", date(2026, 2, 1), None, ""),
    ("4DDDDDDD", "Bo Ray", "GTX Basic", "", "Prospecting", None, None, ""),
    ("5EEEEEEE", "Bo Ray", "GTK 500", "Elm Inc", "Prospecting", date(2026, 3, 13), None, ""),
]
STYLES = {"iso": "%Y-%m-%d", "mdy": "%m/%d/%Y", "dd-mm-yy": "%d-%m-%y"}


def write(folder: Path, style: str, more: str = "") -> Path:
    """The rows with dates of a style, and two more columns."""
    lines = [HEADER + (",engage_quarter,close_quarter" if more else "")]
    for deal, agent, product, account, stage, engaged, closed, value in ROWS:
        told = [d.strftime(STYLES[style]) if d else "" for d in (engaged, closed)]
        lines.append(",".join([deal, agent, product, account, stage, *told, value]) + more)
    file = folder / f"{style}.csv"
    file.write_bytes("\r\n".join(lines).encode())
    return file


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_read_by_the_same_rules(style: str, tmp_path: Path) -> None:
    """And says the same."""
    shop = Shop.at(tmp_path)
    report = shop.imports_file(write(tmp_path, style, ",Q1,Q2" if style == "dd-mm-yy" else ""), rules=RULES)
    assert (report.imported, reasons(report)) == (4, [(5, "no date: engage_date is empty")])
    won, lost, engaging = (shop.state(row[0]) for row in ROWS[:3])
    assert (won.status, won.amount, won.currency, won.owner) == ("won", Decimal(1054), "USD", "ann-lee")
    assert (won.product, won.account, won.company, won.process) == ("GTX Pro", "oak-ltd", "Oak Ltd", "maven")
    assert (lost.status, lost.amount, lost.stage) == ("lost", None, "engaging")
    assert (engaging.status, engaging.amount, engaging.account, engaging.company) == ("open", None, None, "3CCCCCCC")
    assert shop.state("5EEEEEEE").stage == "prospecting"
    for other in STYLES:
        again = shop.imports_file(write(tmp_path, other), rules=RULES, on=301)
        assert (again.unchanged, dict(again.events)) == (4, {})


def test_undated_prospects_may_be_given_a_date_and_engage_later(tmp_path: Path) -> None:
    """Then their capture is corrected."""
    shop = Shop.at(tmp_path)
    assert shop.imports_file(write(tmp_path, "iso"), rules=RULES, undated_on=date(2026, 1, 1)).rejected == 0
    assert shop.state("4DDDDDDD").stage == "prospecting"
    line = "4DDDDDDD,Bo Ray,GTX Basic,,Engaging,2026-02-02,,"
    report = shop.imports(line, header=HEADER, rules=RULES, on=310)
    assert dict(report.events) == {"event-voided": 1, "lead-captured": 1}
    assert (shop.state("4DDDDDDD").stage, shop.state("4DDDDDDD").captured_at) == ("engaging", day(33))


def test_reports_say_what_the_rows_say(tmp_path: Path) -> None:
    """Open deals at dates, and a quarter's metrics, now and as known then."""
    shop = Shop.at(tmp_path)
    shop.imports_file(write(tmp_path, "iso"), rules=RULES)
    with Engine.open(shop.ledger) as engine:
        for as_of, expected in ((19, 0), (21, 1), (40, 3), (60.5, 2), (75, 2)):
            for known_at in (None, day(as_of)):
                answer = engine.answer("pipeline", Question(as_of=day(as_of), known_at=known_at))
                assert sum(row["deals"] for row in answer.dicts()) == expected
        quarter = Period("2026Q1", date(2026, 1, 1), date(2026, 4, 1))
        (row,) = engine.answer("metrics", Question(periods=[quarter])).dicts()
        assert (row["leads"], row["won"], row["lost"]) == (4, 1, 1)
        assert (row["bookings"], row["average_deal_size"], row["currency"]) == (Decimal(1054), Decimal(1054), "USD")
