"""Commands about seals: seal, verify, prove, verify-proof."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from salesledger.cli.main import place_of
from salesledger.cli.options import Whole, opened, printing, progress
from salesledger.cli.render import FORMATS, format_for, render, write
from salesledger.errors import BadFile
from salesledger.shown.escape import safe_text
from salesledger.shown.values import Rows

if TYPE_CHECKING:
    from salesledger.ledger.place import Where
    from salesledger.ledger.verdict import Verdict

_SHOWN = 50
_FILE = click.Path(dir_okay=False, path_type=Path, allow_dash=True)


@click.command("seal")
@click.option("-o", "--output", metavar="FILE", help="Write the checkpoint to FILE.  [default: standard output]")
@click.option("--new-key", is_flag=True, help="Take a new key; the ledger says from which entry on it seals.")
@click.option("--actor", metavar="WHO", help="Who records a key.  [default: $SALESLEDGER_ACTOR, else your login name]")
@click.pass_context
def seal_command(ctx: click.Context, /, output: str | None, new_key: bool, actor: str | None) -> None:
    """Sign what the ledger holds, and print the checkpoint.

    Keep the checkpoint where nobody who can write the ledger can change it: mail it, print it, commit it. With it 'verify
    --against' finds any later change of what it covers. Where the ledger has no key yet, one is made beside it.
    """
    from salesledger.ledger.sealing import seal_now

    with opened(ctx, actor) as ledger:
        seal, made = seal_now(ledger.path, recorded_by=ledger.actor, new_key=new_key)
    if made is not None:
        click.echo(
            f"Made the seal key {safe_text(str(made))}. Keep it to yourself, and keep a copy of it elsewhere.", err=True
        )
    write(seal.note, output)


@click.command("verify")
@click.option("--against", type=_FILE, multiple=True, metavar="CHECKPOINT", help="A checkpoint that was kept outside.")
@click.option(
    "--public-key",
    "keys",
    multiple=True,
    metavar="KEY|FILE",
    help="The key that must have signed, or the file it is in.",
)
@printing
@click.pass_context
def verify_command(
    ctx: click.Context,
    /,
    against: tuple[Path, ...],
    keys: tuple[str, ...],
    format_: str | None,
    output: str | None,
) -> int:
    """Read the whole log and recompute every seal.

    It finds what was changed, added or taken away behind the ledger's back. The exit code is 1 where anything is found. Without
    --public-key and --against, whoever has the seal key can rewrite the ledger unseen.
    """
    from salesledger.api import to_path
    from salesledger.ledger.verify import verify

    chosen, path = format_for(format_, output), to_path(place_of(ctx))
    verdict = verify(
        path,
        against=[_checkpoint(file) for file in against],
        public_keys=_keys(keys),
        progress=progress("Verifying"),
    )
    if chosen == "table":
        write("".join(f"{safe_text(line)}\n" for line in _told(verdict, len(against), path)), output)
    else:
        told = _row(verdict)
        rows = Rows(list(told), ["VARCHAR"] * len(told), [tuple(told.values())])
        write(render(rows, chosen, zone=ZoneInfo("UTC")), output)
    return 0 if verdict.ok else 1


def _row(verdict: "Verdict") -> dict[str, Any]:
    told = {name: value for name, value in vars(verdict).items() if name != "findings"}
    return {"ok": verdict.ok, **told, "findings": [vars(finding) for finding in verdict.findings]}


def _told(verdict: "Verdict", given: int, path: "Where") -> list[str]:
    said = []
    for finding in verdict.findings[:_SHOWN]:
        said += [f"FOUND: {finding.problem}", f"  {finding.remedy}"]
    if len(verdict.findings) > _SHOWN:
        said.append(f"... and {len(verdict.findings) - _SHOWN} more findings (-O json has all).")
    said.append(
        f"Read {_counted(verdict.entries, 'entry', 'entries')}; {_counted(verdict.checkpoints, 'seal', 'seals')}, the last good "
        f"one over {_counted(verdict.sealed, 'entry', 'entries')}."
    )
    if given:
        said.append(f"Of {_counted(given, 'checkpoint', 'checkpoints')} from outside, {verdict.against} fitted.")
    if verdict.ok:
        said += _unproved(verdict, given, path)
    return said


def _unproved(verdict: "Verdict", given: int, path: "Where") -> list[str]:
    """What a verification that found nothing leaves open."""
    behind = verdict.entries - verdict.sealed
    if not verdict.sealed and not given:
        return ["Nothing is sealed: only the file's structure was checked. 'salesledger seal' begins to seal it."]
    said = ["All is as it was sealed."]
    if behind and verdict.sealed:
        which = "entry is" if behind == 1 else f"{behind:,} entries are"
        said.append(f"The last {which} not sealed{_why_not_sealed(path)}.")
    if verdict.public_key:
        said.append(f"Signed by {verdict.public_key}.")
    if verdict.key_from == "ledger":
        said.append("The key was taken from the ledger itself; give the one that you know with --public-key.")
    if not given:
        said.append(
            "No checkpoint from outside was given: a ledger put back to an older copy looks the same (--against)."
        )
    return said


def _why_not_sealed(path: "Where") -> str:
    from salesledger.ledger.sealing import missing_key

    missing = missing_key(path)
    return " yet" if missing is None else f": the seal key is not at {os.fspath(missing)!r}"


@click.command("prove")
@click.argument("entry", type=Whole(min=1), required=False)
@click.option("--since", type=_FILE, metavar="CHECKPOINT", help="Show also that the seal grew out of this checkpoint.")
@click.option("-o", "--output", metavar="FILE", help="Write the proof to FILE.  [default: standard output]")
@click.pass_context
def prove_command(ctx: click.Context, /, entry: int | None, since: Path | None, output: str | None) -> None:
    """Make a proof for somebody who hasn't the ledger.

    It is a small file that shows that an entry is in the last seal, or with --since that nothing was changed since an earlier
    checkpoint, or both. 'verify-proof' checks it. The entry is in it as it is stored; where it is struck out, a note on
    standard error says so.
    """
    from salesledger.api import to_path
    from salesledger.ledger.proof import prove

    path = to_path(place_of(ctx))
    proof = prove(path, entry, since=None if since is None else _checkpoint(since))
    if entry is not None and (note := _struck(path, entry)):
        click.echo(safe_text(note), err=True)
    write(json.dumps(proof, indent=2, ensure_ascii=False) + "\n", output)


def _struck(path: "Where", entry: int) -> str | None:
    """What whoever is given a proof of an entry should know of it."""
    from salesledger.ledger.struck import struck_by

    strike = struck_by(path, entry)
    if strike is None:
        return None
    return (
        f"Note: entry {entry} no longer stands: struck out by entry {strike.entry}, recorded "
        f"{strike.recorded_at:%Y-%m-%d} ({strike.reason}). The proof doesn't say so."
    )


@click.command("verify-proof")
@click.argument("file", type=_FILE)
@click.option("--public-key", "keys", multiple=True, metavar="KEY|FILE", help="The key that must have signed.")
@click.option("--against", type=_FILE, metavar="CHECKPOINT", help="The checkpoint that the proof must be about.")
@click.option("-O", "--output-format", "format_", type=click.Choice(FORMATS), help="The format.  [default: sentences]")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE; its ending tells the format.")
def verify_proof_command(
    file: Path, keys: tuple[str, ...], against: Path | None, format_: str | None, output: str | None
) -> None:
    """Check a proof, and say what it proves.

    No ledger is needed. The exit code is 1 where the proof fails.
    """
    from salesledger.ledger.proof import check, read_file, sentences

    chosen = format_for(format_, output)
    proved = check(
        read_file(_text(file)), public_keys=_keys(keys), against=None if against is None else _checkpoint(against)
    )
    if chosen == "table":
        write("".join(f"{safe_text(sentence)}\n" for sentence in sentences(proved)), output)
        return
    told = vars(proved)
    write(
        render(Rows(list(told), ["VARCHAR"] * len(told), [tuple(told.values())]), chosen, zone=ZoneInfo("UTC")), output
    )


def _keys(given: tuple[str, ...]) -> list[str]:
    """Public keys, each given as it is or as a file that holds it."""
    return [_key(text) for text in given]


def _key(text: str) -> str:
    if Path(text).exists():
        return _text(Path(text)).strip()
    if "+" not in text:
        raise BadFile(f"{text!r} is neither a public key, which is written NAME+ID+BASE64, nor a file that holds one.")
    return text


def _checkpoint(file: Path) -> str:
    from salesledger.ledger.checkpoint import Checkpoint

    text = _text(file)
    try:
        Checkpoint.parse(text)
    except ValueError as e:
        raise BadFile(f"{str(file)!r} holds no checkpoint: {e}. 'salesledger seal -o FILE' writes one.") from e
    return text


def _text(file: Path) -> str:
    try:
        with click.open_file(str(file), encoding="utf-8") as stream:
            return str(stream.read())
    except UnicodeDecodeError as e:
        raise BadFile(f"{str(file)!r} is no text in UTF-8.") from e
    except OSError as e:
        raise BadFile(f"{str(file)!r} can't be read: {e.strerror}.") from e


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
