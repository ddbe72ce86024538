"""Runs the faults and prints their figures: `python -m faults [--short] [NAME ...]`, a line of JSON for each."""

import argparse
import json
import sys
import time
from collections.abc import Callable

from faults import backups, clocks, crowds, cuts, damage, full_disks, kills, locks, nonsense, power, restarts, tamper

Figures = dict[str, int] | None

FAULTS: dict[str, tuple[Callable[[bool], Figures], str]] = {
    "kills": (lambda short: kills.run(12 if short else 1_000), "writers killed at random moments"),
    "power": (
        lambda short: power.run(40 if short else 1_000, commands=250 if short else 700),
        "power failures, synchronous=FULL as the recorder sets it",
    ),
    "power-normal": (
        lambda short: power.run(40 if short else 1_000, commands=100 if short else 700, synchronous="NORMAL"),
        "the same with synchronous=NORMAL, to see that the fault is real",
    ),
    "power-off": (
        lambda short: power.run(20 if short else 1_000, commands=20 if short else 700, synchronous="OFF"),
        "the same with synchronous=OFF",
    ),
    "file-limit": (lambda short: full_disks.run(4 if short else 200), "a limit on the size of files"),
    "full-disk": (lambda short: full_disks.run(4 if short else 200, "full_disk"), "a file system that is full"),
    "clocks": (lambda short: clocks.run(30 if short else 1_000), "a clock that jumps back and forth"),
    "crowds": (lambda short: crowds.run(4 if short else 70), "two to eight writers at once"),
    "backups": (lambda short: backups.run(6 if short else 100), "backups while others write, and killed ones"),
    "damage": (lambda short: damage.run(20 if short else 2_000), "bytes of the file that are others than were written"),
    "lines": (lambda short: nonsense.run(40 if short else 5_000), "spoilt lines for record"),
    "csv": (lambda short: nonsense.run(40 if short else 5_000, "csv"), "spoilt files for import csv"),
    "tamper": (lambda short: tamper.run(45 if short else 1_400), "a sealed ledger changed behind its back"),
    "flips": (lambda short: tamper.flip(60 if short else 3_000), "flipped bits of a sealed ledger's file"),
    "locks": (lambda short: locks.run(2 if short else 20), "another process holds the ledger"),
    "restarts": (lambda short: restarts.run(2 if short else 20), "a PostgreSQL server stopped at once in mid-append"),
    "cuts": (
        lambda short: cuts.run(20 if short else 1_000),
        "connections to a PostgreSQL server that are cut in mid-append",
    ),
}
"""Every fault: what runs it, shortly or at length, and what it is."""


def main() -> None:
    """Run those that are named, or all."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="as the tests run them")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FAULTS))
    told = parser.parse_args()
    for name in told.names or FAULTS:
        fault, what = FAULTS[name]
        begun = time.monotonic()
        figures = fault(told.short)
        seconds = round(time.monotonic() - begun)
        line = {"fault": name, "what": what, "seconds": seconds, "figures": figures or "not possible here"}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
