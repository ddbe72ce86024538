"""The demo: a made-up company's ledger, and a tour of it."""

import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from salesledger.errors import SalesledgerError, as_typed

if TYPE_CHECKING:
    from salesledger.ledger.place import Where

_CHUNK = 1_000


@click.command("demo")
@click.option("--keep", metavar="LEDGER", help="Keep the ledger, a file or a postgresql:// URL, to try things on it.")
@click.option("--quiet", is_flag=True, help="Make the ledger only, no tour.")
def demo_command(keep: str | None, quiet: bool) -> None:
    """A made-up company, and a tour of it.

    Builds a ledger of two years of selling (2024-07 to 2026-06) and prints what a few commands say about it. The ledger is
    temporary, unless --keep says where to make it.
    """
    from salesledger.api import to_path

    with tempfile.TemporaryDirectory(prefix="salesledger-") as folder:
        named = keep or str(Path(folder) / "demo.ledger")
        place = to_path(named)
        deal = build(place)
        if not quiet:
            _tour(named, deal)
        if keep is not None:
            command = as_typed(f"salesledger -f {shlex.quote(str(place))} --today 2026-06-30 pipeline")
            click.echo(f"The ledger is {place}: {command} and so on.")
        else:
            click.echo("Try it yourself: 'salesledger demo --keep demo.ledger' leaves you the ledger.")


def build(place: "Where") -> str:
    """Make the company's ledger.

    Returns:
        The id of a deal whose history is worth a look.
    """
    from salesledger.api import Ledger
    from salesledger.exchange.made_up import CURRENCY, proposals

    with Ledger.create(place, timezone="UTC", currency=CURRENCY, actor="demo") as ledger:
        groups = list(proposals())
        for start in range(0, len(groups), _CHUNK):
            ledger.record_all(groups[start : start + _CHUNK])
        answer = ledger.engine.ask(
            "SELECT max_by(e.entry, e.entry), max_by(e.id, e.entry), max_by(e.amount, e.entry) FROM events e "
            "JOIN deals d ON d.deal = e.id WHERE e.type = 'offer-made' AND d.status = 'open'"
        )
        entry, deal, amount = answer.rows[0]
        ((case, account),) = ledger.engine.ask(
            "SELECT max(entry), max_by(id, entry) FROM events WHERE type = 'case-opened' AND kind = 'broken-equipment'"
        ).rows
        noted = {"preference": "familiarity", "weight": 3, "evidence": case, "note": "knows its machines inside out"}
        ledger.record("account-noted", account=account, actor="service", on="2026-06-30T07:30:00+00:00", **noted)
        ledger.correct(entry, "the offer had a typing error", {"amount": format(amount - 100, "f")}, actor="kim")
        return str(deal)


def _tour(place: str, deal: str) -> None:
    steps = (
        ("What is open, at the end of June 2026?", ["pipeline"]),
        ("And a year before, as it was then?", ["pipeline", "--as-of", "2025-06-30", "--known-at", "2025-06-30"]),
        ("Leads, bookings, deal size, close ratio and lifetime, by quarter", ["metrics", "-Q", "process:b2b"]),
        ("How far did the leads of 2025 come?", ["funnel", "-p", "2025", "process:b2b"]),
        ("Where does money wait longer than usual?", ["blocked", "amt:>30000"]),
        ("What moved the pipeline in the last quarter?", ["diff", "2026-03-31", "2026-06-30", "process:b2b"]),
        ("What do clients pay every month, and what moved that?", ["recurring", "-Q"]),
        ("One deal's history, with a correction", ["history", deal]),
    )
    from salesledger.cli.main import root

    for title, args in steps:
        shown = " ".join(f"'{a}'" if ">" in a else a for a in args)
        click.echo(f"\n{title}\n$ salesledger --today 2026-06-30 {shown}\n")
        try:
            root.main(
                args=["-f", place, "--today", "2026-06-30", *args], prog_name="salesledger", standalone_mode=False
            )
        except SalesledgerError as e:
            raise click.ClickException(str(e)) from e
    click.echo()
