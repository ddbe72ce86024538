"""What the pages show."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from salesledger import Ledger
from salesledger.readmodel import catalogue
from salesledger.web.jobs import Job, Jobs
from salesledger.web.page import Page
from salesledger.web.pages import PAGES
from support.happenings import captured, contacted, opened
from support.ledgers import new_ledger, write
from web.conftest import Serving, serving

DEAL = "/deals/acme-gmbh"
PLACES = {"{deal}": "acme-gmbh", "{account}": "acme-gmbh", "{words:path}": "deal/win"}
FORMS = ("/record", "/record/deal/win")


def _address(path: str) -> str:
    for place, name in PLACES.items():
        path = path.replace(place, name)
    return path


EVERY = [_address(page.path) for page in PAGES]
ADDRESSES = [address for address in EVERY if address not in FORMS]


def text(client: TestClient, address: str, status: int = 200) -> str:
    """What a page says, without its markup."""
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", answer.text)))


@pytest.mark.parametrize("address", ADDRESSES)
def test_are_all_there(client: TestClient, address: str) -> None:
    """Each is whole HTML with its title, and no bigger than 300 KB."""
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")
    assert answer.text.rstrip().endswith("</html>")
    assert len(answer.content) < 300_000


@pytest.mark.parametrize("address", ADDRESSES)
def test_have_no_script_or_style_within(client: TestClient, address: str) -> None:
    """The policy would refuse it: scripts and styles are files, and nothing is fetched from elsewhere."""
    page = client.get(address).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\bstyle=|\bon[a-z]+=|javascript:", page)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page)


def test_forms_are_there_for_every_command_that_records(serve: Serving) -> None:
    """Each has a field for what the command takes; a field that an address names is filled in."""
    with serve() as client:
        listed = client.get("/record").text
        for command in client.get("/api/commands").json():
            if command["records"]:
                address = f"/record/{command['name'].replace(' ', '/')}"
                assert f'href="{address}"' in listed
                form = client.get(address).text
                for field in command["fields"]:
                    assert f'name="{field["name"]}"' in form or field["name"] in ("key", "dry_run")
        assert 'value="acme-gmbh"' in client.get("/record/deal/win?deal=acme-gmbh").text
        assert client.get("/record/deals").status_code == 404


def test_reports_show_what_the_projections_say(client: TestClient) -> None:
    """The walk adds up, metrics and funnel count the same leads."""
    assert "opening" in text(client, "/walk?since=2026-01-31&as_of=2026-02-28")
    assert "2026Q1 6 1 1" in text(client, "/metrics?period=2026Q1&interval=quarter")
    assert "lead 6" in text(client, "/funnel")
    assert "churn" in text(client, "/recurring?period=2026Q1&interval=month")


def test_long_work_is_done_beside_the_page(client: TestClient) -> None:
    """The forecast's page is there at once, and says that it is being worked out."""
    assert 'class="pending"' in client.get("/accuracy?known_at=2026-02-17").text  # a day that no other test asks about


def test_the_overview_fetches_the_forecast_of_the_quarter(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tile with its 80 % interval and the chance of the target; it never keeps the overview waiting, and none is made up."""
    (later,) = re.findall('data-later="([^"]+)"', client.get("/?as_of=2026-02-16").text)
    row = {
        "period": "2026Q1",
        "mean": "1000.00",
        "lo-80": "800.00",
        "hi-80": "1300.00",
        "currency": "EUR",
        "quota_chance": 0.25,
    }
    for job, shown in (
        (Job(), f'data-later="{later}"'),
        (Job([row]), "Forecast for 2026Q1"),
        (Job([row | {"period": "2026Q2"}]), "Forecast for 2026Q2"),
        (Job([row]), "80 %: 800.00 to 1,300.00; the target is reached with 25%"),
        (Job([row | {"mean": None, "lo-80": None}]), "too little history"),
        (Job(problem="stopped"), "too little history"),
    ):
        monkeypatch.setattr(Jobs, "ask", lambda *_, job=job: job)
        tile = client.get(unescape(later), headers={"X-Part": "main"}).text
        assert shown in tile
        assert ('class="tile"' in tile) is ("history" not in shown)
    assert "data-later" not in client.get("/?as_of=2026-02-16&known_at=2026-02-15").text
    assert "data-later" not in client.get("/?filter=owner:kim").text


def test_the_forecast_says_what_its_fan_shows(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which quarter it and the table of models are of, and what its bands are."""
    amounts = dict.fromkeys(("mean", "lo-95", "lo-80", "median", "hi-80", "hi-95"), "1000.00")
    row = {"model": "best", "period": "2026Q1", "origin": "2026-02-08", "currency": "EUR", "actual": None} | amounts

    def answer(_jobs: Jobs, _position: int, words: list[str]) -> Job:
        return Job([row] if words[0] == "backtest" else [])

    monkeypatch.setattr(Jobs, "ask", answer)
    shown = text(client, "/forecast?as_of=2026-02-14")
    assert "Bookings of 2026Q1, as they were forecast at the end of each week" in shown
    assert "Bookings of 2026Q1, as all models forecast them on 2026-02-08" in shown
    assert "the median 80 % 95 %" in shown


def test_the_accuracy_says_what_its_columns_mean(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line each, below the scores."""
    monkeypatch.setattr(Jobs, "ask", lambda *_: Job([{"model": "best", "ahead": 0, "wape": 0.1, "crps": 0.1}]))
    monkeypatch.setattr("salesledger.web.pages.accuracy.chart", lambda *_args, **_more: None)
    shown = text(client, "/accuracy")
    for word in ("ahead 0: the running period", "WAPE how far", "CRPS how far", "pinball how far"):
        assert word in shown


def test_incognito_says_which_charts_it_leaves_out(serve: Serving) -> None:
    """They don't vanish without a word."""
    with serve(incognito=True) as client:
        shown = text(client, "/")
    assert "Not drawn with --incognito, as it would show amounts: The pipeline by stage." in shown


def test_know_what_was_known(client: TestClient) -> None:
    """With an earlier known-at, a page shows what was known then: nothing, as all was recorded on one day."""
    assert "No lead was on record by then." in text(client, "/?known_at=2026-03-30")


def test_stand_at_the_date_of_the_address(client: TestClient) -> None:
    """The pipeline is that of the day."""
    assert "delta-ltd" not in text(client, "/deals?as_of=2026-01-06&view=table")
    assert "delta-ltd" in text(client, "/deals?as_of=2026-01-07&view=table")


def test_filter_as_the_command_line_does(client: TestClient) -> None:
    """The same words choose the same deals, in charts and tables alike."""
    shown = text(client, "/deals?view=table&filter=owner:kim+status:open")
    assert "delta-ltd" in shown
    assert "epsilon-oy" not in shown


def test_no_figure_of_all_deals_stands_beside_a_filter(serve: Serving, path: Path) -> None:
    """What targets and calls are compared with is booked by all: under a filter they are left out, and the page says so."""
    with Ledger.open(str(path), actor="kim") as ledger:
        ledger.record("target-set", begins_on="2026-01-01", ends_on="2026-04-01", amount="1000", on="2026-01-02")
    with serve() as client:
        everything, nobody = text(client, "/"), text(client, "/?filter=owner:nobody")
    assert "of the target" in everything
    assert "Targets and calls" in everything
    assert "Not shown under a filter" not in everything
    assert "of the target" not in nobody
    assert "Targets and calls" not in nobody
    assert "Not shown under a filter" in nobody


@pytest.mark.parametrize("page", [page for page in PAGES if page.about], ids=lambda page: page.path)
def test_pages_that_a_filter_does_not_choose_from_say_so(serve: Serving, page: Page) -> None:
    """It isn't applied in silence, and goes along to the other pages."""
    with serve() as client:
        address = _address(page.path)
        shown = client.get(f"{address}?filter=owner:kim").text
        assert f"Not filtered: this page is about {page.about}." in shown
        assert "<code>owner:kim" not in shown
        assert 'href="/deals?filter=owner%3Akim"' in shown
        assert "Not filtered" not in client.get(address).text


def test_a_filter_on_what_rows_do_not_have_is_told_and_not_applied(client: TestClient) -> None:
    """One on deals meets accounts: all are shown, with the fields that there are."""
    shown = text(client, "/accounts?filter=owner:kim")
    assert "Not filtered: 'owner:kim': there is no field 'owner' here" in shown
    assert "acme-gmbh" in shown
    assert "Not filtered" not in text(client, "/accounts?filter=company:acme")
    assert "Not filtered: filters choose deals" in text(client, "/query?filter=owner:kim&sql=SELECT+1")
    assert "Not filtered" not in text(client, "/query?filter=owner:kim&sql=SELECT+*+FROM+pipeline")


def test_the_table_of_deals_is_sorted_and_cut_by_the_database(client: TestClient) -> None:
    """A head sorts by its column, and again the other way round; what can't be sorted by is left as it is."""
    up, down = (client.get(f"/deals?view=table&sort={sort}").text for sort in ("value", "-value"))
    assert 'aria-sort="ascending"' in up
    assert 'aria-sort="descending"' in down
    assert 'href="/deals?view=table&amp;sort=-value"' in up
    assert _deals(up) != _deals(down)
    assert sorted(_deals(up)) == sorted(_deals(down))
    assert _deals(client.get("/deals?view=table&sort=sql'").text) == _deals(client.get("/deals?view=table").text)
    assert "<td" not in client.get("/deals?view=table&from=100").text.replace('<td colspan="', "")


def _deals(page: str) -> list[str]:
    return re.findall(r'<td[^>]*><a href="/deals/([^"?]+)', page)


def test_the_board_has_each_stage_with_its_sum_and_a_way_to_the_rest(client: TestClient) -> None:
    """The figures are those of the pipeline at the same place in time."""
    board = text(client, "/deals?as_of=2026-02-10")
    for row in client.get("/api/projections/pipeline?as_of=2026-02-10").json():
        assert f"{row['stage']} {row['deals']} deal" in " ".join(board.split())


def test_keep_the_state_in_every_link(client: TestClient) -> None:
    """Going on to another page keeps dates and filters."""
    page = client.get("/?as_of=2026-02-10&filter=owner:kim").text
    assert 'href="/deals?as_of=2026-02-10&amp;filter=owner%3Akim"' in page


def test_show_what_changed_between_two_dates(client: TestClient) -> None:
    """The pipeline's walk from one to the other, whichever of them the slider came from."""
    for address in ("/?since=2026-01-31&as_of=2026-02-28", "/?as_of=2026-01-31&since=2026-02-28"):
        shown = text(client, address)
        assert "What changed from the end of 2026-01-31 to the end of 2026-02-28" in shown
        assert "acme-gmbh" in shown


def test_show_what_became_known_between_two_dates(client: TestClient) -> None:
    """The entries, counted and the latest listed."""
    shown = text(client, "/log?known_since=2026-07-31")
    assert "What became known" in shown
    assert "27 entries" in shown or "entries, of which these are the latest" in shown


def test_show_what_changed_on_both_clocks(client: TestClient) -> None:
    """Where both were moved, the walk and what became known, each closed by itself; what is known isn't filtered, and says so."""
    page = client.get("/?since=2026-01-31&as_of=2026-02-28&known_since=2026-07-31&filter=owner:kim").text
    shown = unescape(page)
    assert "What changed from the end of 2026-01-31 to the end of 2026-02-28, owner:kim" in shown
    assert "What became known from" in shown
    assert "entries of all deals and accounts" in shown
    assert 'href="/?as_of=2026-02-28&known_since=2026-07-31&filter=owner%3Akim">close' in shown
    assert 'href="/?as_of=2026-02-28&since=2026-01-31&filter=owner%3Akim">close' in shown


def test_link_for_ever_shows_the_same_after_more_was_recorded(serve: Serving, path: object) -> None:
    """It names both dates as instants and the ledger's position."""
    with serve() as client:
        page = client.get("/deals?view=table&filter=status:open").text
        (link,) = re.findall(r'id="permalink" href="([^"]+)"', page)
        before = text(client, unescape(link))
        assert "upto=" in link
        with Ledger.open(str(path), actor="kim") as ledger:
            ledger.record("lead-captured", company="Late AG", source="event", on="2026-03-02")
        assert "late-ag" in text(client, "/deals?view=table")
        after = text(client, unescape(link))
    assert "late-ag" not in after
    assert _table(before) == _table(after)


def test_link_for_ever_says_which_days_are_meant(client: TestClient) -> None:
    """Where a word means others tomorrow; what names its days stays as it is."""
    for period, lasting in (
        ("last month", r"period=\d{4}-\d\d-01\.\.\d{4}-\d\d-01(&|$)"),
        ("monthly in last year", r"period=every\+month\+\d{4}-01-01\.\.\d{4}-01-01(&|$)"),
        ("2026-03", r"period=2026-03(&|$)"),
    ):
        page = client.get("/metrics", params={"period": period, "since": "yesterday"}).text
        (link,) = re.findall(r'id="permalink" href="([^"]+)"', page)
        assert re.search(lasting, unescape(link)), link
        assert "yesterday" not in link


def test_metrics_of_a_month_are_those_of_the_month(client: TestClient) -> None:
    """Rows are quarters only where these hold just the days that are asked for."""
    assert "2026-03" in text(client, "/metrics?period=2026-03")
    assert "2026Q1" not in text(client, "/metrics?period=2026-03").partition("Keyboard")[0]
    assert "2026Q1" in text(client, "/metrics?period=2026-01..2026-07")
    assert "2026-02" in text(client, "/metrics?period=monthly+in+2026")


def _table(page: str) -> str:
    return page.partition("Deals, the newest first")[2].partition("Keyboard")[0]


def test_link_for_ever_of_what_is_behind_the_last_entry_ends_there(client: TestClient) -> None:
    """What is recorded later has those numbers, and isn't to be seen through it."""
    (link,) = re.findall(r'id="permalink" href="([^"]+)"', client.get("/deals?upto=999999").text)
    assert "upto=999999" not in link
    assert "upto=" in link


def test_an_answer_is_cut_where_the_page_is_full(client: TestClient) -> None:
    """Wide rows, long texts: the page says how many it shows, and stays below its limit."""
    page = client.get("/query?sql=SELECT+repeat('é',3000)+AS+a,x,*+FROM+range(600)+t(x),+deals")
    assert len(page.content) < 300_000
    assert re.search(r"The first \d+ of 3,600 rows", page.text)


@pytest.mark.parametrize(
    "sql", ["SELECT repeat('\"', 3000) AS a, x FROM range(600) t(x)", "SELECT repeat('<', 1000000) AS a"]
)
def test_a_long_text_is_cut(client: TestClient, sql: str) -> None:
    """As it is written on a page it may take five times the room; a line says that it was cut."""
    page = client.get("/query", params={"sql": sql})
    assert len(page.content) < 300_000
    assert "Texts of more than 1,000 characters are cut." in page.text


@pytest.fixture(scope="module")
def long_winded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A deal of 700 steps with long notes, and a client with 300 deals, all by the same long name."""
    path = new_ledger(tmp_path_factory.mktemp("long") / "sales.ledger")
    name = '<&">' * 45
    steps = [contacted(2 + n / 100, outcome="<'\"&>" * 90) for n in range(700)]
    deals = [(f"deal:d{n}", [captured(1, company=name, account="big", campaign=name)]) for n in range(300)]
    write(path, ("account:big", [opened(1, company=name)]), ("deal:long", [captured(1), *steps]), *deals)
    with serving(path)() as client:
        yield client


@pytest.mark.parametrize("address", ["/deals/long", "/accounts/big", "/log", "/deals?view=table"])
def test_a_page_is_never_longer_than_it_may_be(long_winded: TestClient, address: str) -> None:
    """However much there is to tell, and however much of it has to be escaped."""
    page = long_winded.get(address)
    assert page.status_code == 200
    assert 40_000 < len(page.content) < 300_000


def test_deal_says_where_its_earlier_steps_are(long_winded: TestClient) -> None:
    """It shows the latest ones, and the log has all of them."""
    page = long_winded.get("/deals/long").text
    (shown, link, earlier) = re.findall(r'The latest (\d+) steps; <a href="([^"]+)">the log</a> has (\d+)', page)[0]
    assert int(shown) + int(earlier) == 701
    assert page.count("<li>") >= int(shown) > 50
    assert "entry 1 " not in long_winded.get(unescape(link)).text
    assert "700" in re.sub(r"\D+", " ", long_winded.get(unescape(link)).text)


def test_log_goes_on_where_the_page_was_full(long_winded: TestClient) -> None:
    """Its pages have every entry once, however few fit on one."""
    seen: list[int] = []
    address = "/log"
    while address:
        assert len(seen) < 2_000, address
        page = long_winded.get(unescape(address)).text
        seen += [int(entry) for entry in re.findall(r'<tr><td class="n">(\d+)</td>', page)]
        address = next(iter(re.findall(r'href="([^"]*)">older<', page)), "")
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == seen[0]


def test_deal_shows_its_struck_entries(client: TestClient) -> None:
    """A correction's original stays in the story, struck out, with why."""
    page = client.get(DEAL).text
    assert 'class="struck"' in page
    assert "read from the wrong line" in page


def test_deal_that_is_not_there_has_a_page_that_says_so(client: TestClient) -> None:
    """404, and how to list those that there are."""
    assert "There is no deal 'nobody'" in text(client, "/deals/nobody", 404)


def test_wrong_words_have_a_page_that_says_so(client: TestClient) -> None:
    """A date or a filter that is none is answered with the remedy."""
    assert "'someday' is not a date" in text(client, "/?as_of=someday", 400)
    assert "nonsense" in text(client, "/deals?filter=nonsense:1", 400)
    assert "a quote that isn't closed" in text(client, "/deals?filter='open", 400)


def test_empty_ledger_says_how_to_begin(tmp_path: object) -> None:
    """With the command, and a link to record the first lead."""
    from pathlib import Path

    from web.conftest import serving

    place = Path(str(tmp_path)) / "empty.ledger"
    Ledger.create(place, actor="kim").close()
    with serving(place)() as client:
        shown = text(client, "/")
        for address in ("/deals", "/accounts", "/log", "/checks", "/query"):
            assert client.get(address).status_code == 200
    assert "No lead is on record yet." in shown
    assert "Record the first lead" in shown


def test_part_is_the_page_without_its_frame(client: TestClient) -> None:
    """What goes from page to page without a reload asks for the content alone."""
    part = client.get("/deals", headers={"X-Part": "main"}).text
    assert "<html" not in part
    assert "delta-ltd" in part.lower()


def test_query_shows_rows_and_refuses_what_is_no_select(client: TestClient) -> None:
    """A SELECT is answered; anything else is told off on the page."""
    assert "2 open" in text(client, "/query?sql=SELECT+count(*)-1,'open'+FROM+deals+WHERE+status='open'").replace(
        "  ", " "
    )
    assert "Only a single SELECT" in text(client, "/query?sql=DROP+TABLE+deals")


def test_checks_say_that_all_is_well(client: TestClient) -> None:
    """The whole log is read only when somebody asks for it."""
    assert "All is as it should be" not in text(client, "/checks")
    assert "All is as it should be" in text(client, "/checks?run=yes")


def test_incognito_is_not_talked_round(serve: Serving) -> None:
    """SQL could rename a column and a refusal could name what is close: neither says anything."""
    with serve(incognito=True) as client:
        for address in (
            "/query?sql=SELECT+company+AS+stage+FROM+deals",
            "/api/commands/query?sql=SELECT+company+AS+stage+FROM+deals",
            "/deals/e",
            "/deals/acme-gmbh-x",
            "/api/commands/history?deal=e",
        ):
            shown = client.get(address)
            assert not re.search("ACME|epsilon|Epsilon|acme-gmbh(?!-x)", shown.text), address
            assert "incognito" in shown.text or shown.status_code == 200


def test_projections_of_ones_own_are_taken_as_they_are_now(serve: Serving, path: Path) -> None:
    """A file that is added, changed, broken or taken away counts from the next question on; a broken one says what is wrong."""
    file = path.parent / "projections" / "mine.sql"
    head = "-- mine: mine\n-- grain: one row\n-- needs: deals\n-- parameters: none\n-- columns:\n--   n: n\n"
    with serve() as client:
        assert client.get("/api/projections/mine").status_code == 404
        file.parent.mkdir()
        file.write_text(f"{head}SELECT 1 AS n", encoding="utf-8")
        assert client.get("/api/projections/mine").json() == [{"n": 1}]
        file.write_text(f"{head}SELECT 20 AS n", encoding="utf-8")
        assert client.get("/api/projections/mine").json() == [{"n": 20}]
        assert "20" in text(client, "/query?sql=SELECT+n+FROM+mine")
        file.write_text("SELECT 3 AS n", encoding="utf-8")
        answer = client.get("/api/projections/mine")
        assert (answer.status_code, "has no line '-- mine:" in answer.json()["error"]) == (400, True)
        file.unlink()
        assert client.get("/api/projections/mine").status_code == 404
        (file.with_name("pipeline.sql")).write_text(
            f"{head.replace('mine', 'pipeline')}SELECT 1 AS n", encoding="utf-8"
        )
        assert client.get("/api/projections/pipeline").json() == [{"n": 1}]


def test_incognito_shows_no_name_and_no_amount(serve: Serving) -> None:
    """Neither on a page nor through the API, whatever is asked."""
    with serve(incognito=True) as client:
        for address in [
            *ADDRESSES,
            "/deals?view=table",
            "/?since=2026-01-31",
            "/api/projections/deals",
            "/api/projections/events",
            "/api/commands/deals",
            "/api/commands/log",
            "/query?sql=SELECT+*+FROM+deals",
        ]:
            shown = client.get(address).text
            content = re.sub(r'(?:href|action|data-path)="[^"]*"', "", shown)
            for secret in ("ACME", "Delta Ltd", "delta-ltd", "7000", "7,000", "4400", "4,400"):
                assert secret not in content, (address, secret)


def test_incognito_names_nobody_in_any_projection(serve: Serving, path: Path) -> None:
    """Whatever a column is called: in lists, in paths, and where a report is split by whom."""
    with Ledger.open(path) as ledger:
        told = ledger.query("SELECT deal, company, account, owner, team FROM deals").fetchall()
        named = {str(each) for row in told for each in row if each}
    assert {"acme-gmbh", "ACME GmbH", "kim"} <= named
    secret = re.compile("|".join(rf"(?<![\w-]){re.escape(each)}(?![\w-])" for each in sorted(named)))
    with serve(incognito=True) as client:
        for name in catalogue.load():
            for more in ("", "?by=owner"):
                answer = client.get(f"/api/projections/{name}{more}")
                assert answer.status_code == 200, (name, answer.text)
                assert not secret.search(answer.text), (name, secret.findall(answer.text))
