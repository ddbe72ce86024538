"""The roles of a ledger's users, which belong to the whole server: made for one ledger, never shared with another."""

from dataclasses import dataclass

from psycopg import errors

from salesledger.errors import StoreError
from salesledger.ledger.postgres_connection import Connection
from salesledger.ledger.postgres_schema import RIGHTS, ROLES, grant, mark, role
from salesledger.ledger.postgres_url import PostgresUrl

# Who made a role is its member from PostgreSQL 16 on, without having its rights.
_HELD = """
    SELECT rolname::text, shobj_description(r.oid, 'pg_authid'), current_database()::text, EXISTS (
        SELECT 1 FROM pg_auth_members m WHERE roleid = r.oid AND (
            coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true) OR coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
        )
    ), (SELECT array_agg(datname::text) FROM pg_database)
    FROM pg_roles r WHERE rolname = ANY(%s)
"""

_RIGHTS = """
    SELECT g.rolname::text, privilege_type, name FROM (
        SELECT '' AS name, nspacl AS acl FROM pg_namespace WHERE nspname = %(schema)s
        UNION ALL SELECT relname::text, relacl FROM pg_class WHERE relnamespace = %(schema)s::regnamespace
        UNION ALL SELECT proname::text, proacl FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace
    ) AS held, aclexplode(acl) AS given JOIN pg_roles g ON g.oid = grantee WHERE g.rolname = ANY(%(roles)s)
"""

_OWNS = "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = 'stored_events'::regclass"


@dataclass(frozen=True)
class _Role:
    """A role that is on the server: what its comment says, and whether somebody is a member of it."""

    comment: str | None
    is_ours: bool
    is_foreign: bool
    has_members: bool


def missing_rights(connection: Connection, url: PostgresUrl) -> list[tuple[str, str, str]]:
    """What the ledger's roles may no longer, as `RIGHTS` has it; nothing of a role that wasn't made for this ledger."""
    roles, held = _roles(connection, url), _rights(connection, url)
    ours = {what for what in ROLES if (found := roles.get(what)) and (found.is_ours or _has_any(held, what))}
    return [right for right in RIGHTS if right[0] in ours and right not in held]


def make_roles(connection: Connection, url: PostgresUrl) -> list[tuple[str, str]]:
    """Make the roles that aren't there, and give each the rights that it hasn't.

    Returns:
        What was made: roles, and rights of those that were there.

    Raises:
        StoreError: whoever asks doesn't own the ledger, or a role of that name is there for something else.
    """
    (owns,) = connection.execute(_OWNS).fetchone() or (False,)
    if not owns:
        raise StoreError(
            f"{url.shown!r} can't be changed: only its owner makes roles and gives them rights. Log in as its owner. "
            "Nothing was changed."
        )
    roles, held = _roles(connection, url), _rights(connection, url)
    for what, found in roles.items():
        if not found.is_ours and (found.is_foreign or (found.has_members and not _has_any(held, what))):
            raise StoreError(_taken(url, what, found))
    made: list[tuple[str, str]] = []
    for what in ROLES:
        name = role(url.schema, what)
        if what not in roles:
            connection.execute(f'CREATE ROLE "{name}" NOLOGIN')
            made.append(("role", name))
        if what not in roles or not roles[what].is_ours:
            _mark(connection, url, name)
    for what, right, on in RIGHTS:
        if (what, right, on) not in held:
            connection.execute(grant(url.schema, what, right, on))
            if what in roles:
                made.append(("right", f"{right} on {on or url.schema} for {role(url.schema, what)}"))
    return made


def _taken(url: PostgresUrl, what: str, found: _Role) -> str:
    whose = f"its comment is {found.comment!r}" if found.is_foreign else "it has members and no right here"
    return (
        f"{url.shown!r} can't have its role {role(url.schema, what)!r}: the server, whose databases share their roles, has one of "
        f"that name that wasn't made for this ledger ({whose}), and whoever is a member of it could use this ledger, too. Name "
        "another schema with ?schema=NAME, leave out --roles and grant what each may yourself, or drop that role. "
        "Nothing was changed."
    )


def _mark(connection: Connection, url: PostgresUrl, name: str) -> None:
    """Say in a role's comment whose it is; who may use a role that somebody else made often may not."""
    (database,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    said = mark(database, url.schema).replace("'", "''")
    try:
        with connection.transaction():
            connection.execute(f"COMMENT ON ROLE \"{name}\" IS '{said}'")
    except errors.InsufficientPrivilege:
        return


def _roles(connection: Connection, url: PostgresUrl) -> dict[str, _Role]:
    """The roles of these names that the server has."""
    names = {role(url.schema, what): what for what in ROLES}
    found = {}
    for name, comment, database, has_members, databases in connection.execute(_HELD, (list(names),)).fetchall():
        others = {mark(other, url.schema) for other in databases if other != database}
        is_ours = comment == mark(database, url.schema)
        found[names[name]] = _Role(comment, is_ours, comment in others, has_members)
    return found


def _rights(connection: Connection, url: PostgresUrl) -> set[tuple[str, str, str]]:
    names = {role(url.schema, what): what for what in ROLES}
    rows = connection.execute(_RIGHTS, {"schema": url.schema, "roles": list(names)}).fetchall()
    return {(names[name], right, on) for name, right, on in rows}


def _has_any(held: set[tuple[str, str, str]], what: str) -> bool:
    return any(of == what for of, _, _ in held)
