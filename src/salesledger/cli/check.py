"""The command that checks the ledger: every finding with its entry and its remedy, nothing where all is well."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from salesledger.cli.main import place_of
from salesledger.cli.options import printing, progress
from salesledger.cli.render import format_for, render, write
from salesledger.shown.escape import safe_text
from salesledger.shown.values import Rows

if TYPE_CHECKING:
    from salesledger.ledger.findings import Finding

COLUMNS = ("entry", "stream", "rule", "problem", "remedy", "severity")


@click.command("check")
@printing
@click.pass_context
def check_command(ctx: click.Context, /, format_: str | None, output: str | None) -> int:
    """Hold the ledger against what it promises.

    The log is checked, and the mirror against the log; of everything that is not so it says where, what and what to do. It
    changes nothing. Where all is well it prints nothing and ends with exit code 0, else with 1.
    """
    from salesledger.api import to_path
    from salesledger.readmodel.check import check

    chosen = format_for(format_, output)
    findings = list(check(to_path(place_of(ctx)), progress("Checking")))
    if chosen == "table":
        if findings:
            write("".join(_told(finding) for finding in findings) + _counted(findings), output)
    else:
        types = ["BIGINT", *["VARCHAR"] * (len(COLUMNS) - 1)]
        rows = Rows(list(COLUMNS), types, [tuple(getattr(f, name) for name in COLUMNS) for f in findings])
        write(render(rows, chosen, zone=ZoneInfo("UTC"), title="", notes=(), width=None), output)
    return 1 if findings else 0


def _told(finding: "Finding") -> str:
    where = "The ledger" if finding.entry is None else f"Entry {finding.entry}"
    stream = f" ({finding.stream})" if finding.stream else ""
    label = finding.rule if finding.severity == "error" else f"{finding.rule}, a notice"
    return safe_text(f"{where}{stream}: {finding.problem} [{label}].") + "\n" + safe_text(f"  {finding.remedy}") + "\n"


def _counted(findings: "list[Finding]") -> str:
    return f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'}.\n"
