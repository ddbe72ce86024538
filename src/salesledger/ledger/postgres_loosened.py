"""What leaves a ledger's schema weaker, though its functions and triggers are as they were: an owner or an administrator did it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from salesledger.ledger.findings import RESTORE
from salesledger.ledger.postgres_schema import COLUMNS, FUNCTIONS

Loosened = tuple[str, str, str]
"""The rule that doesn't hold, what is wrong, and what to do about it."""

_STATEMENT = """
    WITH kept AS (
        SELECT c.oid, relname::text AS name, relowner AS owner, relacl, relpersistence,
            relrowsecurity OR relforcerowsecurity AS hides
        FROM pg_class c WHERE relnamespace = to_regnamespace(?) AND relkind = 'r' AND relname = ANY (?)
    ), made AS (
        SELECT p.oid, proname::text AS name, proowner AS owner, coalesce(proacl, acldefault('f', proowner)) AS acl,
            (proname::text, pg_get_function_arguments(p.oid)) IN (SELECT * FROM unnest(?::text[], ?::text[])) AS is_ours
        FROM pg_proc p WHERE pronamespace = to_regnamespace(?) AND proname = ANY (?)
    ), rights AS (
        SELECT name, owner, 'TABLE ' AS what, '' AS columns, (aclexplode(relacl)).* FROM kept
        UNION ALL SELECT name, owner, 'TABLE ', format(' (%I)', attname), (aclexplode(attacl)).*
        FROM kept JOIN pg_attribute ON attrelid = kept.oid
        UNION ALL SELECT name, owner, 'FUNCTION ', '', (aclexplode(acl)).* FROM made WHERE is_ours
        UNION ALL SELECT nspname::text, nspowner, 'SCHEMA ', '', (aclexplode(nspacl)).* FROM pg_namespace
        WHERE oid = to_regnamespace(?)
    )
    SELECT 'unlogged' AS kind, name, '' AS told, '' AS whose FROM kept WHERE relpersistence <> 'p' AND name <> 'append_requests'
    UNION ALL SELECT 'hides', name, '', '' FROM kept WHERE hides
    UNION ALL SELECT 'columns', name, string_agg(
        attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN collname = 'C' THEN ' C' ELSE '' END, ', ' ORDER BY attnum
    ), '' FROM kept JOIN pg_attribute ON attrelid = kept.oid LEFT JOIN pg_collation l ON l.oid = attcollation
    WHERE attnum > 0 AND NOT attisdropped GROUP BY name
    UNION ALL SELECT 'child', name, inhrelid::regclass::text, '' FROM kept JOIN pg_inherits ON inhparent = kept.oid
    UNION ALL SELECT 'function', name, pg_get_function_identity_arguments(oid), '' FROM made WHERE NOT is_ours
    UNION ALL SELECT 'right', what || name, privilege_type || columns, coalesce(quote_ident(rolname), 'PUBLIC')
    FROM rights LEFT JOIN pg_roles r ON r.oid = grantee
    WHERE grantee <> owner AND CASE what
        WHEN 'TABLE ' THEN privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')
        WHEN 'SCHEMA ' THEN privilege_type = 'CREATE'
        ELSE grantee = 0 OR name = 'add_events'
    END
    ORDER BY 1, 2, 3, 4
"""


def loosened(ask: Callable[[str, Sequence[Any]], list[Any]], schema: str) -> Iterator[Loosened]:
    """Tables that a crash would empty, that show a part of their rows or have other columns; functions and rights beside ours.

    Args:
        ask: asks the server.
        schema: the ledger's.
    """
    functions = list(FUNCTIONS)
    parameters = [FUNCTIONS[name][0] for name in functions]
    given = (schema, list(COLUMNS), functions, parameters, schema, functions, schema)
    for kind, name, told, whose in ask(_STATEMENT, given):
        if kind == "columns":
            yield from _columns(schema, name, told)
        elif kind == "right":
            yield _right(schema, name, told, whose)
        else:
            problem, remedy = _TOLD[kind]
            of = {"name": name, "schema": schema, "told": told}
            yield "schema", problem.format(**of), remedy.format(**of)


_TOLD = {
    "function": (
        "the function {name} is there a second time, with other parameters: it may be called in its place",
        "Take it away with psql: DROP FUNCTION {schema}.{name}({told}).",
    ),
    "unlogged": (
        "the table {name} is unlogged: a crash of the server would empty it",
        "Have the server log it again with psql: ALTER TABLE {schema}.{name} SET LOGGED.",
    ),
    "hides": (
        "the table {name} has row security: who reads it may be shown a part of it",
        "Take that away with psql: ALTER TABLE {schema}.{name} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY.",
    ),
    "child": (
        "the rows of the table {told} are read as if they were those of {name}",
        "Part them with psql: ALTER TABLE {told} NO INHERIT {schema}.{name}.",
    ),
}


def _columns(schema: str, name: str, told: str) -> Iterator[Loosened]:
    held, wanted = told.split(", "), COLUMNS[name].split(", ")
    names = {column.partition(" ")[0] for column in wanted}
    for column in wanted:
        if column not in held:
            yield "schema", f"the table {name} has no column '{column}', as it was made with", RESTORE
    for column in held:
        own = column.partition(" ")[0]
        if own not in names:
            remedy = f"Take it away with psql: ALTER TABLE {schema}.{name} DROP COLUMN {own}."
            yield "schema", f"the column {own!r} of the table {name} isn't salesledger's", remedy


def _right(schema: str, on: str, right: str, whose: str) -> Loosened:
    kind, _, name = on.partition(" ")
    full = name if kind == "SCHEMA" else f"{schema}.{name}"
    problem = f"{whose} has {right} on the {kind.lower()} {name}, which nobody but its owner should have"
    return "roles", problem, f"Take that away with psql: REVOKE {right} ON {kind} {full} FROM {whose}."
