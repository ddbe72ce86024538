"""`python -m benchmarks [NAME...]`: measures what was promised and says which promises hold; see docs/benchmarks.md."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    accuracy,
    as_of,
    big,
    bulk_append,
    durable_append,
    forecasting,
    growth,
    huge,
    page,
    postgres,
    projections,
    rebuild,
    seal,
    soak,
    startup,
)
from benchmarks.measure import Line, report
from benchmarks.workspace import Workspace

BENCHMARKS = {
    "durable-append": durable_append.run,
    "bulk-append": bulk_append.run,
    "rebuild": rebuild.run,
    "as-of": as_of.run,
    "startup": startup.run,
    "growth": growth.run,
    "projections": projections.run,
    "seal": seal.run,
    "forecast": forecasting.run,
    "page": page.run,
    "postgres": postgres.run,
    "big": big.run,
}
OWN_OPTIONS = {"accuracy": accuracy.main, "soak": soak.main, "huge": huge.main}


def main() -> None:
    """Run the benchmarks that the command line names, or all of them; `accuracy`, `soak` and `huge` have options of their own."""
    if own := OWN_OPTIONS.get(next(iter(sys.argv[1:]), "")):
        own(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)}; all where absent")
    parser.add_argument(
        "--events",
        type=int,
        default=1_002_500,
        help="events in the ledger (1002500: a million, and a tail); growth takes ten times as many",
    )
    parser.add_argument("--workdir", type=Path, help="keep the ledgers here, to be used again; else they are deleted")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; choose from {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = asked.workdir or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        work = Workspace(folder, asked.events)
        lines: list[Line] = []
        for name in asked.names or BENCHMARKS:
            print(f"... {name}", flush=True)
            lines += BENCHMARKS[name](work)
    print(report(lines))


if __name__ == "__main__":
    main()
