"""Four processes that write to one file at once: nothing is lost, nothing is doubled."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from salesledger.domain.decide import fold
from salesledger.domain.timeline import standing
from salesledger.ledger.store import Store
from support.ledgers import new_ledger, rows

WORKER = """
import sys
from pathlib import Path
from salesledger.errors import Conflict, Refused
from salesledger.ledger.store import Store
from support.happenings import captured, contacted, qualified
from support.ledgers import propose

me, path = sys.argv[1], Path(sys.argv[2])

def persist(stream, wish, key=None):
    while True:
        try:
            outcome = propose(store, stream, wish, key)
        except Conflict:
            continue
        print(outcome.recorded[0].entry, "already" if outcome.already else "mine", stream, sep="\\t")
        return

with Store.open(path) as store:
    sys.stdin.readline()  # all start at once
    persist(f"deal:own-{me}", captured(1))
    for n in range(15):
        persist(f"deal:own-{me}", contacted(2, outcome=f"{me}-{n}"))
        persist("deal:shared", contacted(2, outcome=f"{me}-{n}"))
        persist("deal:shared", contacted(3, outcome=f"everybody-{n}"), key=f"everybody-{n}")
    try:
        propose(store, "deal:shared", qualified(4))
    except (Refused, Conflict) as e:
        print(0, type(e).__name__, "deal:shared", sep="\\t")
    else:
        print(0, "Qualified", "deal:shared", sep="\\t")
"""


def test_four_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    """Each on a deal of its own, all on one deal, and all with the same keys; only one of them qualifies it."""
    from support.happenings import captured
    from support.ledgers import record

    path = new_ledger(tmp_path / "sales.ledger")
    with Store.open(path) as store:
        (first,) = record(store, "deal:shared", captured(1))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1])])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(n), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for n in range(4)
    ]
    told: list[tuple[int, str, str]] = []
    results = []
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        out, err = writer.communicate(timeout=100)
        assert (writer.returncode, err) == (0, "")
        lines = [line.split("\t") for line in out.splitlines()]
        told += [(int(entry), how, stream) for entry, how, stream in lines if entry != "0"]
        results += [how for entry, how, _ in lines if entry == "0"]

    log = [row for row in rows(path) if int(str(row[0])) > first.entry]
    assert [row[0] for row in log] == list(range(first.entry + 1, first.entry + 1 + len(log)))
    mine = sorted(entry for entry, how, _ in told if how == "mine")
    assert mine == [row[0] for row in log if row[3] != "lead-qualified/1"]
    assert Counter(how for _, how, _ in told) == {"mine": 4 * 31 + 15, "already": 3 * 15}
    assert {entry for entry, how, _ in told if how == "already"} <= set(mine)
    assert results.count("Qualified") == sum(row[3] == "lead-qualified/1" for row in log) == 1
    for stream in {str(row[1]) for row in log}:
        versions = [row[2] for row in log if row[1] == stream]
        assert versions == list(range(versions[0], versions[0] + len(versions)))  # type: ignore[call-overload, operator]
    with Store.open(path) as store:
        shared = store.records("deal:shared")
    outcomes = Counter(getattr(r.event, "outcome", None) for r in shared if r.event.type_name() == "lead-contacted")
    wanted = [f"{me}-{n}" for me in (0, 1, 2, 3, "everybody") for n in range(15)]
    assert outcomes == Counter(wanted)
    assert fold("deal:shared", standing(shared)).qualified
