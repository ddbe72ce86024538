"""Takes the pictures in docs/pictures: each page of the demo as it looks on a screen. Run by `make pictures`."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from browser.png import small
from browser.serving import launched, make_demo, served

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = {"width": 1200, "height": 800}
DEAL = "/deals/dune-textiles-ag"
ADDRESSES = {
    "overview": "/",
    "what-changed": "/?since=2026-03-31&as_of=2026-06-30",
    "deals": "/deals",
    "deal": DEAL,
    "accounts": "/accounts",
    "account": "/accounts/alder-foods-bv",
    "funnel": "/funnel?period=2026Q2",
    "metrics": "/metrics?period=2025-07..2026-06&interval=month",
    "walk": "/walk",
    "recurring": "/recurring",
    "forecast": "/forecast",
    "accuracy": "/accuracy",
    "log": "/log",
    "checks": "/checks?run=yes",
    "query": "/query?sql=SELECT+stage,+count(*)+AS+deals+FROM+deals+WHERE+status='open'+GROUP+BY+stage",
    "record": "/record/lead/capture",
}
SECONDS = 240
"""How long the forecast and the accuracy of the models may take to be worked out."""


def main() -> None:
    """Take all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        ledger = make_demo(Path(folder) / "demo.ledger")
        with served(ledger) as address, sync_playwright() as playwright:
            browser = launched(playwright)
            blank = browser.new_page()
            for name, where in ADDRESSES.items():
                page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()  # type: ignore[arg-type]
                page.goto(address + where, timeout=60_000)
                page.wait_for_function(
                    "() => !document.querySelector('.busy, .pending, [data-later], figure.chart[data-spec]:not(.drawn)')",
                    timeout=SECONDS * 1000,
                )
                (FOLDER / f"{name}.png").write_bytes(small(blank, page.screenshot()))
                page.close()
            browser.close()


if __name__ == "__main__":
    main()
