"""What somebody does who sits before the page."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Opening
from browser.serving import TODAY, run, served
from salesledger.web.pages import PAGES

NAMED = [page.path for page in PAGES if page.key and page.path not in ("/accuracy", "/forecast")]
"""The pages of the navigation, but for those that are worked out for minutes."""


def settled(page: Page) -> None:
    """Wait until what was asked for is shown, charts too."""
    page.wait_for_function("() => !document.querySelector('.busy, figure.chart[data-spec]:not(.drawn)')")


def parts(page: Page, name: str) -> str | None:
    """A value in the page's address."""
    return str(page.evaluate("name => new URL(location.href).searchParams.get(name)", name) or "") or None


@pytest.mark.parametrize("path", NAMED)
def test_pages_fit_a_phone(show: Opening, address: str, path: str) -> None:
    """In the dark: nothing to scroll sideways, charts drawn, nothing refused, and the ink is light."""
    page = show(address + path, viewport={"width": 390, "height": 800}, color_scheme="dark")
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator("h1").first).to_be_visible()
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.documentElement).backgroundColor]"
    )
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ink, paper)]
    assert light[0] > light[1] + 200, (ink, paper)


def test_slider_is_dragged(show: Opening, address: str) -> None:
    """The day is in the address, the page stands at it, and what changed in between is shown."""
    page = show(address + "/")
    box = page.locator("#as_of-range").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    expect(page.locator("#changes")).to_be_visible()
    day = parts(page, "as_of")
    assert day is not None
    assert "2025-01-01" < day < TODAY
    expect(page.locator(".where")).to_have_attribute("data-as-of", day)
    expect(page.locator("#as_of-date")).to_have_value(day)


def test_days_are_typed_and_stepped(show: Opening, address: str) -> None:
    """Known-at by a typed day, as-of by its button and by keys; 'now' goes back."""
    page = show(address + "/deals?view=table")
    page.fill("#known_at-date", "2025-12-31")
    page.locator("#known_at-date").dispatch_event("change")
    expect(page.locator(".where")).to_have_attribute("data-known-at", "2025-12-31")
    page.locator(".clock[data-name=as_of] .step[data-days='-1']").click()
    expect(page.locator(".where")).to_have_attribute("data-as-of", "2026-06-29")
    page.locator("h1").click()
    page.keyboard.press("[")
    expect(page.locator(".where")).to_have_attribute("data-as-of", "2026-06-28")
    page.keyboard.press("n")
    expect(page.locator(".where")).to_have_attribute("data-now", "yes")
    assert parts(page, "as_of") is None


def test_filter_holds_everywhere(show: Opening, address: str) -> None:
    """It stands in the address, chooses what tables and charts show, and goes along to other pages and back."""
    page = show(address + "/deals?view=table")
    owner = page.locator("table").last.locator("tbody tr").first
    expect(owner).to_be_visible()
    page.fill("#filter", "status:lost")
    page.press("#filter", "Enter")
    expect(page.locator(".where code")).to_have_text("status:lost")
    assert parts(page, "filter") == "status:lost"
    shown = page.locator("#content").inner_text()
    assert "lost" in shown
    assert not re.search(r"\bopen\b", page.locator("#content table").last.inner_text())
    page.locator("#nav a", has_text="Metrics").click()
    page.wait_for_url("**/metrics?*")
    assert parts(page, "filter") == "status:lost"
    page.go_back()
    page.wait_for_url("**/deals?*")
    expect(page.locator(".where code")).to_have_text("status:lost")


def test_keys_do_what_the_page_says(show: Opening, address: str) -> None:
    """Going to a page, the list of keys, the filter, and nothing while somebody types."""
    page = show(address + "/")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/deals")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.type("gl[n?")
    expect(page.locator("#filter")).to_have_value("gl[n?")
    assert page.url.endswith("/deals")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.wait_for_url("**/record*")


def test_link_shows_the_same_for_ever(own: str, show: Opening, tmp_path: Path) -> None:
    """In another window, after more was recorded."""
    page = show(own + "/deals?view=table&filter=status:open")
    link = page.locator("#permalink").get_attribute("href")
    assert link is not None
    before = page.locator("#content table").last.inner_text()
    run("-f", str(tmp_path / "own.ledger"), "lead", "capture", "Late AG", "--source", "event", "--on", "2026-06-01")
    expect(page.locator("#content")).to_contain_text("Late AG", ignore_case=True)
    again = show(own + link)
    assert again.locator("#content table").last.inner_text() == before


def test_new_entries_appear_without_a_reload(own: str, show: Opening, tmp_path: Path) -> None:
    """Those that others record, where the page follows the present; elsewhere it only says so."""
    page, past = show(own + "/log"), show(own + "/log?as_of=2026-03-31")
    page.evaluate("window.isTheSame = true")
    shown = past.locator("#content").inner_text()
    run("-f", str(tmp_path / "own.ledger"), "lead", "capture", "Walk-in Ltd", "--source", "event", "--on", "2026-06-29")
    expect(page.locator("#content table").first).to_contain_text("Walk-in Ltd")
    assert page.evaluate("window.isTheSame")
    expect(past.locator("#said")).to_contain_text("was recorded")
    assert past.locator("#content").inner_text() == shown


def test_records_with_a_preview(own: str, show: Opening) -> None:
    """What would be appended is shown and not recorded; then it is recorded once, and a refusal says why."""
    page = show(own + "/record/lead/capture")
    page.fill("#field-company", "Preview <b>GmbH</b>")
    page.fill("#field-on", "2026-06-30")
    page.locator("button.preview").click()
    expect(page.locator("#outcome")).to_contain_text("What would be appended")
    expect(page.locator("#outcome")).to_contain_text("Preview <b>GmbH</b>")
    position = page.locator(".where").get_attribute("data-position")
    page.locator("form.recording button[type=submit]").click()
    expect(page.locator("#outcome")).to_contain_text("Recorded")
    page.locator("#outcome a").first.click()
    expect(page.locator("h1")).to_have_text("Preview <b>GmbH</b>")
    assert page.locator(".where").get_attribute("data-position") == str(int(position or 0) + 1)


def test_log_in_by_a_form(show: Opening, demo: Path, tmp_path: Path) -> None:
    """A token is given in the browser's own form, which says where it comes from; the log-out ends it."""
    file = tmp_path / "tokens"
    file.write_text("reader secret-of-the-reader-0123456789\n", encoding="utf-8")
    file.chmod(0o600)
    with served(demo, "--token-file", str(file)) as address:
        page = show(address + "/deals")
        page.wait_for_url("**/login")
        page.fill("input[name=token]", "secret-of-the-reader-0123456789")
        page.keyboard.press("Enter")
        expect(page.locator("#nav")).to_be_visible()
        assert "secret" not in page.url
        expect(page.locator("#record")).to_have_count(0)
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login")
        page.close()


def test_slow_pages_say_so(show: Opening, address: str) -> None:
    """The forecast's page is there at once, whatever is worked out behind it."""
    for path in ("/forecast", "/accuracy"):
        page = show(address + path)
        expect(page.locator("h1").first).to_be_visible()
        page.close()


def test_log_needs_no_scrolling_sideways_on_a_screen(show: Opening, address: str) -> None:
    """Its details are beside the rest, and no word is broken for it."""
    page = show(address + "/log")
    table = page.locator(".log .scroll")
    assert table.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert page.locator(".log th", has_text="recorded by").evaluate("it => it.getClientRects()[0].width > 40")


def test_log_has_its_details_below_on_a_phone(show: Opening, address: str) -> None:
    """They are seen without scrolling sideways, on lines of their own."""
    page = show(address + "/log", viewport={"width": 390, "height": 800})
    row = page.locator(".log tbody tr").first
    box, above = row.locator("td").last.bounding_box(), row.locator("td").first.bounding_box()
    assert box is not None
    assert above is not None
    assert box["x"] + box["width"] <= 390
    assert box["y"] >= above["y"] + above["height"]


def test_the_process_is_seen_to_its_end(show: Opening, address: str) -> None:
    """However many stages it has, its drawing is no wider than its place, on a screen and on paper."""
    page = show(address + "/funnel?period=2026Q2", viewport={"width": 1280, "height": 800})
    settled(page)
    for medium in ("screen", "print"):
        page.emulate_media(media=medium)
        assert page.locator("figure.composed").evaluate("it => it.scrollWidth <= it.clientWidth")


def test_charts_drawn_in_the_dark_are_printed_for_light_paper(show: Opening, address: str) -> None:
    """Turned round on paper alone; those that were drawn in the light are printed as they are."""
    page = show(address + "/metrics", color_scheme="dark")
    settled(page)
    canvas = page.locator("figure.chart canvas").first
    expect(canvas).to_have_css("filter", "none")
    page.emulate_media(media="print")
    expect(canvas).to_have_css("filter", "invert(1) hue-rotate(180deg)")
    page.emulate_media(media="print", color_scheme="light")
    expect(canvas).to_have_css("filter", "none")


def test_the_overview_is_followed_by_the_forecast(show: Opening, address: str) -> None:
    """Its tile comes when it is worked out, and what is shown beside it is not drawn again."""
    page = show(address + "/")
    settled(page)
    page.evaluate("document.querySelector('figure.chart canvas').isTheSame = true")
    expect(page.locator(".tile", has_text="Forecast for 2026Q3")).to_contain_text("80 %", timeout=120_000)
    assert page.evaluate("document.querySelector('figure.chart canvas').isTheSame")


def test_charts_keep_their_names_for_who_cannot_see_them(show: Opening, address: str) -> None:
    """Also once they are drawn."""
    page = show(address + "/")
    settled(page)
    expect(page.locator("figure.chart").first).to_have_attribute("aria-label", "The pipeline by stage")
