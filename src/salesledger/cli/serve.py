"""The command that serves the page."""

from pathlib import Path

import click

from salesledger.cli.main import place_of
from salesledger.cli.options import today_of
from salesledger.errors import UsageError

PORT = 5180


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="The port; 0 takes any that is free."
)
@click.option("--read-only", is_flag=True, help="Nothing can be recorded from the page.")
@click.option("--incognito", is_flag=True, help="Hide amounts and names, for screens that others see.")
@click.option(
    "--role",
    metavar="ROLE",
    help="What visitors without a token may do: reader, recorder, auditor, or several joined by commas.  [default: everything]",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Lines of 'ROLE TOKEN' or 'ROLE TOKEN ACTOR': who is let in, and as what.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="A further name that the server is called by; repeatable.",
)
@click.pass_context
def serve_command(
    ctx: click.Context,
    /,
    host: str,
    port: int,
    read_only: bool,
    incognito: bool,
    role: str | None,
    token_file: Path | None,
    names: tuple[str, ...],
) -> None:
    """Show the ledger on a page in your browser.

    The page is this machine's own. Listening at an address that others can reach needs a file of tokens.
    """
    _check_installed()
    from salesledger.api import Ledger, to_path
    from salesledger.cli.served import Served
    from salesledger.ledger.place import place_of as place_at
    from salesledger.shown.escape import safe_text
    from salesledger.web.roles import EVERYTHING, Visitor, read_tokens, visitor_of
    from salesledger.web.server import serve
    from salesledger.web.settings import Settings

    path, today = to_path(place_of(ctx)), today_of(ctx)
    where = str(path.absolute()) if isinstance(path, Path) else place_of(ctx)
    with Ledger.open(path):
        pass  # what isn't a ledger is said before anything is served
    place = place_at(path)
    if not read_only and not place.may_record():
        read_only = True
        click.echo(f"salesledger: note: {_MAY_READ.format(role=f'{place.schema}_recorder')}", err=True)
    settings = Settings(
        ledger=to_path(where),
        today=today,
        host=host,
        port=port,
        names=frozenset(name.lower() for name in names),
        tokens=read_tokens(token_file) if token_file else (),
        visitor=visitor_of(role) if role else Visitor(EVERYTHING, "everything"),
        read_only=read_only,
        incognito=incognito,
    )
    serve(
        settings,
        Served(where, today.isoformat() if today else None),
        lambda address: click.echo(f"{safe_text(str(path))} is at {address} (Ctrl+C stops)."),
    )


_MAY_READ = (
    "this login has no right to record, so nothing can be recorded from the page, as with --read-only. Whoever owns the ledger "
    "gives the right: GRANT {role} TO the login."
)


def _check_installed() -> None:
    """Say which extra is needed where a part is missing.

    Raises:
        UsageError: it is.
    """
    try:
        import altair  # noqa: F401
        import jinja2  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as e:
        raise UsageError(
            f"The page needs the extra 'web', and {e.name!r} isn't installed: pip install 'salesledger[web]'."
        ) from e
