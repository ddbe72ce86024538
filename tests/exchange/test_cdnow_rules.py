"""The example's rules for sales over the counter, on lines written here in that file's way: cells between blanks, no numbers."""

from decimal import Decimal
from pathlib import Path

from exchange.importing import Shop
from salesledger.exchange.rules import read_rules
from support.ledgers import log_of

RULES = read_rules(Path(__file__).parent.parent.parent / "examples" / "cdnow.toml")
HEADER = " customer_id  date number_of_cds  dollar_value "
LINES = (
    " 00001 20260105  1   11.77",
    " 00002 20260112  1   12.00 ",
    "",
    " 00002 20260112  5   77.00",
    " 00002 20260212  5   77.00",
    " 00002 20260212  5   77.00",
)


def test_each_line_is_a_deal_of_its_customer_won_on_the_day(tmp_path: Path) -> None:
    """Captured and won at once, and the account is opened with the first."""
    shop = Shop.at(tmp_path, currency="USD")
    report = shop.imports(*LINES, header=HEADER, rules=RULES)
    assert (report.imported, report.rejected, report.date_format) == (5, 0, "%Y%m%d")
    won = shop.state("00002-20260112-5-77-00")
    assert (won.status, won.amount, won.currency, won.account, won.stage) == (
        "won",
        Decimal("77.00"),
        "USD",
        "00002",
        "sale",
    )
    assert shop.types("00002-20260112-5-77-00") == ["lead-captured", "deal-won"]
    assert sorted({r.id for r in log_of(shop.ledger, "account:")}) == ["00001", "00002"]


def test_lines_that_are_alike_are_numbered_and_stay_the_same_deals(tmp_path: Path) -> None:
    """Importing the file again, with more lines behind, adds only those."""
    shop = Shop.at(tmp_path, currency="USD")
    shop.imports(*LINES, header=HEADER, rules=RULES)
    assert shop.state("00002-20260212-5-77-00-no2").status == "won"
    again = shop.imports(*LINES, " 00002 20260212  5   77.00", header=HEADER, rules=RULES, on=301)
    assert (again.imported, again.changed, again.unchanged) == (1, 0, 5)
    assert shop.state("00002-20260212-5-77-00-no3").status == "won"


def test_rejected_lines_can_be_mended_and_imported_with_the_same_rules(tmp_path: Path) -> None:
    """The rejects are quoted where blanks stand between cells."""
    shop = Shop.at(tmp_path, currency="USD")
    report = shop.imports(*LINES, " 00003 20260230 1 9.99", header=HEADER, rules=RULES)
    assert report.rejected == 1
    mended = tmp_path / "mended.txt"
    mended.write_text(shop.rejects.read_text(encoding="utf-8").replace("20260230", "20260228"), encoding="utf-8")
    assert shop.imports_file(mended, rules=RULES, on=301, rejects=None).imported == 1
    assert shop.state("00003-20260228-1-9-99").status == "won"
