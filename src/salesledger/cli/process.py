"""Commands about sales processes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.main import Prefixed
from salesledger.cli.options import Whole, completing, emit, on_date, opened, printing, records
from salesledger.cli.outcomes import common_of, recording
from salesledger.cli.render import format_for, write
from salesledger.errors import NOTHING_RECORDED, NotFound, UsageError
from salesledger.shown.reports import when
from salesledger.shown.values import Rows, chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesledger.api import Ledger
    from salesledger.domain.process import Definition
    from salesledger.ledger.batch import Outcome
    from salesledger.readmodel.engine import Question

PARTS = ("stages", "criteria", "reasons")

# Each version with where it stands in its process: in force is the one that began last of those that have begun; before
# any, the first to begin where no date was asked for, as a ledger that begins with its past has one.
_DEFINED = """
    WITH defined AS (
        SELECT
            id AS process,
            process_version,
            effective_on AS in_force_from,
            process_version = coalesce(
                max_by(process_version, (effective_at, process_version)) FILTER (WHERE effective_at <= $as_of) OVER w,
                CASE WHEN $or_first THEN min_by(process_version, (effective_at, process_version)) OVER w END
            ) AS in_force,
            title, stages, criteria, disqualify_reasons, loss_reasons
        FROM events
        WHERE type = 'process-defined' AND known_at <= $known_at
        WINDOW w AS (PARTITION BY id)
    )
"""

_UNNESTED = """
    SELECT * EXCLUDE (items), unnest(range(1, len(items) + 1)) AS place, unnest(items) AS item
    FROM (SELECT process, process_version, in_force_from, in_force, from_json({column}, '{shape}') AS items FROM defined)
"""

_STAGES = _UNNESTED.format(
    column="stages",
    shape='[{"name": "VARCHAR", "probability": "DECIMAL(7, 6)", "entered_by": ["VARCHAR"], '
    '"exit_criteria": ["VARCHAR"], "rot_days": "INTEGER"}]',
)
_CRITERIA = _UNNESTED.format(
    column="criteria",
    shape='[{"attribute": "VARCHAR", "at_least": "DECIMAL(18, 4)", "at_most": "DECIMAL(18, 4)", '
    '"one_of": ["VARCHAR"], "none_of": ["VARCHAR"]}]',
)
_LISTED = {
    column: _UNNESTED.format(column=column, shape='["VARCHAR"]') for column in ("disqualify_reasons", "loss_reasons")
}
_REASONS = " UNION ALL ".join(
    f"SELECT *, '{column.removesuffix('_reasons')}' AS reason_for FROM ({listed})" for column, listed in _LISTED.items()
)

_BEGUN = """
    SELECT id AS process, CAST(min(effective_on) AS VARCHAR) AS since, min(effective_at) <= $as_of AS has_begun
    FROM events
    WHERE type = 'process-defined' AND known_at <= $known_at
    GROUP BY id
    ORDER BY since, process
"""

_PART = {
    "stages": f"""{_DEFINED}
        SELECT
            process, process_version, in_force_from, place, item.name AS stage, item.probability AS probability,
            array_to_string(item.entered_by, ', ') AS entered_by, item.rot_days AS rot_days,
            nullif(array_to_string(item.exit_criteria, '; '), '') AS exit_criteria
        FROM ({_STAGES}) WHERE in_force OR $every
        ORDER BY process, process_version, place
    """,
    "criteria": f"""{_DEFINED}
        SELECT
            process, process_version, in_force_from, place, item.attribute AS attribute, item.at_least AS at_least,
            item.at_most AS at_most, nullif(array_to_string(item.one_of, ', '), '') AS one_of,
            nullif(array_to_string(item.none_of, ', '), '') AS none_of
        FROM ({_CRITERIA}) WHERE in_force OR $every
        ORDER BY process, process_version, place
    """,
    "reasons": f"""{_DEFINED}
        SELECT process, process_version, in_force_from, reason_for, place, item AS reason
        FROM ({_REASONS}) WHERE in_force OR $every
        ORDER BY process, process_version, reason_for, place
    """,
}


@click.group("process", cls=Prefixed)
def process_command() -> None:
    """Define and show sales processes."""


@process_command.command("define")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--template", metavar="NAME", help="One that ships, instead of a file; 'process template' lists them.")
@on_date
@records
@click.pass_context
def define(ctx: click.Context, /, file: Path | None, template: str | None, **values: Any) -> None:
    """Define a process, or its next version, from a TOML file.

    The file gives a "name", and [[stages]] in order, each with a "name", the "probability" that a deal there is won, and
    "entered_by", the types of events that move a deal there; it may add "exit_criteria" and "rot_days", the days that a deal
    may stay. [[criteria]] say what a lead should be: an "attribute" with "at_least", "at_most", "one_of" or "none_of".
    "disqualify_reasons" and "loss_reasons" list the only reasons that count.

    What is the same as the version in force is not recorded again, unless under a --key.
    """
    common = common_of(values)
    notes: list[str] = []
    if (file is None) == (template is None):
        raise UsageError(f"Give a FILE, or --template NAME: one of the two. {NOTHING_RECORDED}")

    def work(ledger: "Ledger") -> list["Outcome"]:
        from salesledger.exchange.process_file import read_process
        from salesledger.exchange.process_file import template as template_file

        name, title, definition = read_process(file or template_file(str(template)))
        latest = ledger.store.processes().get(name, None)
        version = latest.version + 1 if latest else 1
        parts: dict[str, Any] = {part: value or None for part, value in definition}
        same = None if common.given["key"] else _same_in_force(ledger, name, title, definition, common.given["on"])
        if same is not None:
            outcome, said = same
            notes.append(f"That is the version of {name!r} in force, {said}. {NOTHING_RECORDED}")
            return [outcome]
        return [
            ledger.record(
                "process-defined", process=name, process_version=version, title=title, **parts, **common.given
            )
        ]

    recording(ctx, common, work, notes=notes)


def _same_in_force(
    ledger: "Ledger", name: str, title: str | None, definition: "Definition", on: str | None
) -> "tuple[Outcome, int] | None":
    """The version of a process that is in force by then and its number, where it says just the same."""
    from salesledger.domain.process import ProcessDefined
    from salesledger.ledger.batch import Outcome

    stream = f"process:{name}"
    moment = ledger.moment(on, end_of_day=True) or ledger.head.now()
    defined = [(r, r.event) for r in ledger.store.records(stream) if isinstance(r.event, ProcessDefined)]
    begun = [(record, event) for record, event in defined if event.effective_at <= moment]
    if not begun:
        return None
    record, event = max(begun, key=lambda pair: (pair[1].effective_at, pair[1].process_version))
    if (event.title, event.definition()) != (title, definition):
        return None
    return Outcome(stream, (record,), already=True), event.process_version


@process_command.command("show")
@click.argument("name", required=False, shell_complete=completing("process"))
@click.option("--as-of", metavar="DATE", help="The version in force at the end of this day.  [default: now]")
@click.option("--known-at", metavar="DATE", help="Of the versions known by the end of this day.  [default: now]")
@click.option("--upto", type=Whole(min=1), metavar="ENTRY", help="Look at nothing behind this entry.")
@click.option("--all", "every", is_flag=True, help="Every version, not only the one in force.")
@click.option(
    "--part", type=click.Choice(PARTS), default="stages", help="Stages, criteria or reasons.  [default: stages]"
)
@printing
@click.pass_context
def show(
    ctx: click.Context,
    /,
    name: str | None,
    as_of: str | None,
    known_at: str | None,
    upto: int | None,
    every: bool,
    part: str,
    format_: str | None,
    output: str | None,
) -> None:
    """Each process as it is in force; with a NAME, one.

    A table of the stages has what else the process says below it.
    """
    with opened(ctx) as ledger:
        found = ledger.find("process", name) if name else None
        question = ledger.question(as_of=as_of, known_at=known_at, upto=upto)
        _check_begun(ledger, question, found, in_force=as_of is not None and not every)

        def asked(wanted: str) -> Rows:
            answer = ledger.engine.ask(_PART[wanted], question, {"every": every, "or_first": as_of is None})
            return Rows(answer.columns, answer.types, [row for row in answer.rows if found in (None, row[0])])

        rows, notes = asked(part), []
        if part == "stages" and format_for(format_, output) in ("table", "md"):
            rows = rows if every or as_of else chosen(rows, [c for c in rows.columns if c != "in_force_from"])
            notes = _in_words(_dicts(asked("criteria")), _dicts(asked("reasons")))
        emit(
            rows,
            ledger,
            format_=format_,
            output=output,
            notes=tuple(notes),
            wrap=rows.columns[-1],
            expendable=("in_force_from", "rot_days"),
        )


def _check_begun(ledger: "Ledger", question: "Question", wanted: str | None, *, in_force: bool) -> None:
    """Refuse to show a process before a version of it was known, or in force where that is asked for.

    Raises:
        NotFound: none that is asked for was known, or in force yet.
    """
    begun = [row for row in ledger.engine.ask(_BEGUN, question).dicts() if wanted in (None, row["process"])]
    which = f"the process {wanted!r}" if wanted else "any process"
    if not begun:
        raise NotFound(
            f"No version of {which} was there {when(ledger, question)}. Ask for a later --known-at or --upto."
        )
    if not in_force or any(row["has_begun"] for row in begun):
        return
    raise NotFound(
        f"No version of {which} was in force {when(ledger, question)}: the first came into force on {begun[0]['since']}, and deals "
        "from before follow that one. Ask for a later --as-of, or for --all."
    )


def _dicts(rows: Rows) -> list[dict[str, Any]]:
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]


def _in_words(criteria: "Sequence[dict[str, Any]]", reasons: "Sequence[dict[str, Any]]") -> list[str]:
    """What a process asks of its leads and which reasons it lists, in a line each."""
    told: dict[str, list[str]] = {}
    for row in criteria:
        told.setdefault(f"{row['process']} {row['process_version']}, criteria", []).append(_criterion(row))
    for row in reasons:
        told.setdefault(f"{row['process']} {row['process_version']}, {row['reason_for']} reasons", []).append(
            row["reason"]
        )
    return [f"{what}: {'; '.join(items)}." for what, items in sorted(told.items())]


def _criterion(row: dict[str, Any]) -> str:
    asked = [
        f"at {word} {row[f'at_{word}'].normalize():f}" for word in ("least", "most") if row[f"at_{word}"] is not None
    ]
    asked += [f"{words} of {row[column]}" for words, column in (("one", "one_of"), ("none", "none_of")) if row[column]]
    return f"{row['attribute']} {' and '.join(asked)}"


def _complete_template(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from salesledger.exchange.process_file import templates

    return [name for name in templates() if name.startswith(incomplete)]


@process_command.command("template")
@click.argument("name", required=False, shell_complete=_complete_template)
@printing
def template_command(name: str | None, format_: str | None, output: str | None) -> None:
    """The processes that ship; with a NAME, its TOML.

    Change it to fit your business, then define it. This needs no ledger.
    """
    from salesledger.exchange.process_file import read_process, template, templates

    if name is not None:
        if format_ is not None:
            raise UsageError(
                "A template is printed as TOML; leave -O out, or 'process define' it and 'process show -O json'."
            )
        write(template(name).read_text(encoding="utf-8"), output)
        return
    read = [read_process(template(each)) for each in templates()]
    rows = [(name, title, ", ".join(definition.names)) for name, title, definition in read]
    from zoneinfo import ZoneInfo

    from salesledger.cli.render import render

    listed = Rows(["template", "title", "stages"], ["VARCHAR"] * 3, [tuple(row) for row in rows])
    write(render(listed, format_for(format_, output), zone=ZoneInfo("UTC")), output)
