"""The tables, triggers, functions and roles of a ledger in a PostgreSQL schema; {schema} stands for its name.

Whoever appends calls a function of the owner's, so that no role but the owner's may write a table. An append takes a lock that all
appends take and holds it until it is committed: entries are numbered without a gap, in the order of their commits, and no
reader sees an entry before those ahead of it.
"""

from functools import cache

FORMAT = 1
"""The version of the layout, kept in the table `layout`."""

_LOCK = 0x534C4544
"""The upper half of the advisory lock's number: 'SLED'; the lower half is the table's own."""

_MOST_AHEAD = 24 * 60 * 60 * 1_000_000
"""Microseconds by which the clock of whoever appends may be ahead of the server's: every later entry would be stamped so, too."""

UNKNOWN_TOPIC = "SL001"
"""The SQLSTATE of an append of events whose types the ledger doesn't know."""

_LOG_TABLES = (
    "CREATE TABLE layout (format integer NOT NULL, incarnation uuid NOT NULL)",
    """
    CREATE TABLE stored_events (
        entry bigint PRIMARY KEY CHECK (entry > 0),
        originator_id text COLLATE "C" NOT NULL,
        originator_version bigint NOT NULL CHECK (originator_version > 0),
        topic text COLLATE "C" NOT NULL,
        state bytea NOT NULL,
        recorded_at bigint NOT NULL CHECK (recorded_at BETWEEN 0 AND 253402300790000000),
        key text COLLATE "C" UNIQUE,
        append uuid,
        UNIQUE (originator_id, originator_version)
    )
    """,
    "CREATE INDEX stored_events_forgotten ON stored_events (originator_id) WHERE topic = 'person-forgotten/1'",
    """
    CREATE TABLE seal_blocks (
        level integer NOT NULL CHECK (level > 0),
        number bigint NOT NULL CHECK (number >= 0),
        hash bytea NOT NULL,
        PRIMARY KEY (level, number)
    )
    """,
    """
    CREATE UNLOGGED TABLE append_requests (
        append_id uuid NOT NULL,
        placed_at timestamptz NOT NULL,
        streams text[] NOT NULL,
        versions bigint[] NOT NULL,
        topics text[] NOT NULL,
        states bytea[] NOT NULL,
        keys text[] NOT NULL,
        clock bigint NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
    """,
    "CREATE TABLE seal_checkpoints (size bigint PRIMARY KEY CHECK (size > 0), note text NOT NULL)",
)

COLUMNS = {
    "layout": "format integer, incarnation uuid",
    "stored_events": "entry bigint, originator_id text C, originator_version bigint, topic text C, state bytea, "
    "recorded_at bigint, key text C, append uuid",
    "seal_blocks": "level integer, number bigint, hash bytea",
    "append_requests": "append_id uuid, placed_at timestamp with time zone, streams text[], versions bigint[], topics text[], "
    "states bytea[], keys text[], clock bigint",
    "seal_checkpoints": "size bigint, note text",
}
"""Each table's columns with their types, as a ledger has them that nobody has changed."""

FUNCTIONS: dict[str, tuple[str, str, bool, str]] = {
    "refuse_change": (
        "",
        "trigger",
        False,
        """
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: an entry or a seal is never changed or deleted';
END
""",
    ),
    "check_order": (
        "",
        "trigger",
        False,
        """
DECLARE
    added record; ahead record; out_of_order boolean;
BEGIN
    SELECT min(entry) AS first, max(entry) AS last, count(*) AS number, min(recorded_at) AS from_at, max(recorded_at) AS to_at
    INTO added FROM added_events;
    IF added.number = 0 THEN
        RETURN NULL;
    END IF;
    SELECT entry, recorded_at, (SELECT max(entry) FROM stored_events) AS end_of_log INTO ahead
    FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
        SELECT entry, recorded_at FROM stored_events WHERE entry < added.first ORDER BY entry DESC LIMIT 1
    ) AS before ON true;
    IF added.first <> coalesce(ahead.entry, 0) + 1 OR added.last - added.first + 1 <> added.number
            OR added.last <> ahead.end_of_log THEN
        RAISE EXCEPTION 'the ledger is append-only: an entry comes after all others, without a gap';
    END IF;
    out_of_order := added.from_at < ahead.recorded_at;
    IF added.from_at <> added.to_at THEN
        SELECT bool_or(recorded_at < before) INTO out_of_order FROM (
            SELECT recorded_at, lag(recorded_at, 1, ahead.recorded_at) OVER (ORDER BY entry) AS before FROM added_events
        ) AS pairs;
    END IF;
    IF out_of_order THEN
        RAISE EXCEPTION 'the ledger is append-only: an entry is never stamped earlier than the one before it';
    END IF;
    RETURN NULL;
END
""",
    ),
    "hold_ledger": (
        "",
        "void",
        True,
        f"""
BEGIN
    PERFORM pg_advisory_xact_lock(({_LOCK}::bigint << 32) | 'stored_events'::regclass::oid::bigint);
END
""",
    ),
    "append_events": (
        "streams text[], versions bigint[], topics text[], states bytea[], keys text[], clock bigint, append_id uuid, "
        "patient boolean, OUT first_entry bigint, OUT stamp bigint",
        "record",
        True,
        f"""
DECLARE
    lock_number CONSTANT bigint := ({_LOCK}::bigint << 32) | 'stored_events'::regclass::oid::bigint;
    request record;
BEGIN
    IF clock > extract(epoch FROM clock_timestamp()) * 1000000 + {_MOST_AHEAD} THEN
        RAISE EXCEPTION 'the clock of whoever appends is ahead of the server''s' USING ERRCODE = 'datetime_field_overflow';
    END IF;
    IF (topics <@ ARRAY[{{topics}}]) IS NOT TRUE THEN
        RAISE EXCEPTION 'events of a type that this ledger does not know' USING ERRCODE = '{UNKNOWN_TOPIC}';
    END IF;
    IF 'ledger-opened/1' = ANY (topics) AND EXISTS (SELECT 1 FROM stored_events) THEN
        RAISE EXCEPTION 'a ledger begins once' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF patient THEN
        PERFORM pg_advisory_xact_lock(lock_number);
        SELECT entry, recorded_at INTO first_entry, stamp FROM stored_events
        WHERE originator_id = streams[1] AND originator_version = versions[1] AND append = append_id;
        IF FOUND THEN
            RETURN;
        END IF;
    ELSIF NOT pg_try_advisory_xact_lock(lock_number) THEN
        INSERT INTO append_requests VALUES (append_id, clock_timestamp(), streams, versions, topics, states, keys, clock);
        RETURN;
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true); -- what is acknowledged is on the disk
    END IF;
    SELECT * INTO first_entry, stamp FROM add_events(streams, versions, topics, states, keys, clock, append_id);
    FOR request IN DELETE FROM append_requests AS r RETURNING r.* LOOP
        CONTINUE WHEN request.append_id = append_events.append_id OR request.placed_at < clock_timestamp() - interval '1 minute';
        BEGIN
            PERFORM add_events(
                request.streams, request.versions, request.topics, request.states, request.keys, request.clock, request.append_id
            );
        EXCEPTION WHEN OTHERS THEN
            NULL; -- who asked for it finds out what is wrong with it
        END;
    END LOOP;
END
""",
    ),
    "add_events": (
        "streams text[], versions bigint[], topics text[], states bytea[], keys text[], clock bigint, append_id uuid, "
        "OUT first_entry bigint, OUT stamp bigint",
        "record",
        False,
        """
DECLARE
    ahead record; written bigint;
BEGIN
    SELECT entry, recorded_at INTO ahead FROM stored_events ORDER BY entry DESC LIMIT 1;
    PERFORM convert_from(state, 'UTF8')::jsonb FROM unnest(states) AS given (state); -- what no report could read is refused
    first_entry := coalesce(ahead.entry, 0) + 1;
    stamp := greatest(clock, coalesce(ahead.recorded_at, 0));
    INSERT INTO stored_events (entry, originator_id, originator_version, topic, state, recorded_at, key, append)
    SELECT first_entry - 1 + place, stream, version, topic, state, stamp, key, append_id
    FROM unnest(streams, versions, topics, states, keys) WITH ORDINALITY AS given (stream, version, topic, state, key, place);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(streams) THEN
        RAISE EXCEPTION 'what was written did not come into the log as it is' USING ERRCODE = 'data_corrupted';
    END IF;
END
""",
    ),
    "withdraw_append": (
        "withdrawn uuid",
        "boolean",
        True,
        """
BEGIN
    DELETE FROM append_requests WHERE append_id = withdrawn;
    RETURN FOUND;
END
""",
    ),
    "keep_seal": (
        "seal_size bigint, seal_note text, levels integer[], numbers bigint[], hashes bytea[]",
        "void",
        True,
        r"""
DECLARE
    ledger text;
BEGIN
    LOCK TABLE seal_checkpoints IN SHARE ROW EXCLUSIVE MODE;
    IF seal_size <= (SELECT max(size) FROM seal_checkpoints) OR seal_size > (SELECT max(entry) FROM stored_events) THEN
        RETURN;
    END IF;
    SELECT convert_from(state, 'UTF8')::jsonb ->> 'ledger_id' INTO ledger FROM stored_events
    WHERE originator_id = 'settings:ledger' AND originator_version = 1;
    IF (
        starts_with(seal_note, format(E'salesledger/%s\n%s\n', ledger, seal_size))
        AND seal_note ~ '^[^\n]+\n[0-9]+\n[A-Za-z0-9+/]{43}=\n\n(\u2014 [^\s+]+ [A-Za-z0-9+/]{91}=\n)+$'
    ) IS NOT TRUE THEN
        RAISE EXCEPTION 'the note is no seal of this ledger at that size' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS ( -- a block of level n covers 256 to the power of n entries, all of them sealed
        SELECT 1 FROM unnest(levels, numbers, hashes) AS given (level, number, hash)
        WHERE (level BETWEEN 1 AND 7 AND number BETWEEN 0 AND (seal_size >> 8 * level) - 1 AND octet_length(hash) = 32) IS NOT TRUE
    ) OR EXISTS (
        SELECT 1 FROM unnest(levels, numbers) AS given (level, number) GROUP BY level, number HAVING count(*) > 1
    ) OR EXISTS (
        SELECT wanted.level, number FROM generate_series(1, 7) AS wanted (level), generate_series(
            (SELECT coalesce(max(b.number) + 1, 0) FROM seal_blocks AS b WHERE b.level = wanted.level),
            (seal_size >> 8 * wanted.level) - 1
        ) AS number
        EXCEPT SELECT * FROM unnest(levels, numbers)
    ) THEN
        RAISE EXCEPTION 'the blocks are not those of a seal of that size' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO seal_blocks SELECT * FROM unnest(levels, numbers, hashes) ON CONFLICT DO NOTHING;
    INSERT INTO seal_checkpoints VALUES (seal_size, seal_note);
END
""",
    ),
}
"""Each function by name: its parameters, what it returns, whether it runs with the owner's rights, its body; see `body`."""

_KEPT = ("layout", "stored_events", "seal_blocks", "seal_checkpoints")

TRIGGERS: dict[str, tuple[str, str, str]] = {
    "stored_events_in_order": (
        "stored_events",
        "AFTER INSERT ON {schema}.stored_events REFERENCING NEW TABLE AS added_events FOR EACH STATEMENT",
        "check_order",
    ),
    **{
        f"{table}_no_{what}": (table, f"BEFORE {verbs} ON {{schema}}.{table} FOR EACH STATEMENT", "refuse_change")
        for table in _KEPT
        for what, verbs in (("change", "DELETE OR UPDATE"), ("truncate", "TRUNCATE"))
    },
}
"""Each trigger by name: its table, when it fires (as PostgreSQL itself writes it), and the function that it calls."""

ROLES = ("reader", "auditor", "recorder")

_MAY_READ = ("layout", "stored_events", "seal_blocks", "seal_checkpoints")
TABLES = (*_MAY_READ, "append_requests")
INDEXES = ("stored_events_forgotten",)


def layout(schema: str) -> list[str]:
    """The statements that lay out an empty ledger in a schema, which is in the search path."""
    functions = [statement for name in FUNCTIONS for statement in remade(schema, "function", name)]
    triggers = [statement for name in TRIGGERS for statement in remade(schema, "trigger", name)]
    return [*_LOG_TABLES, f"INSERT INTO layout VALUES ({FORMAT}, gen_random_uuid())", *functions, *triggers]


def remade(schema: str, kind: str, name: str) -> list[str]:
    """The statements that make a function or a trigger, also where there is another one of that name."""
    if kind == "trigger":
        table, when, function = TRIGGERS[name]
        return [
            f"DROP TRIGGER IF EXISTS {name} ON {table}",
            f"CREATE TRIGGER {name} {when.format(schema=schema)} EXECUTE FUNCTION {function}()",
            # A superuser's session_replication_role turns other triggers off.
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
        ]
    parameters, returns, owner, _ = FUNCTIONS[name]
    rights = f"SECURITY DEFINER SET search_path = {schema}, pg_temp " if owner else ""
    given = "" if returns == "record" else f"RETURNS {returns} "
    return [
        f"CREATE OR REPLACE FUNCTION {name}({parameters}) {given}LANGUAGE plpgsql {rights}AS $body${body(name)}$body$",
        f"REVOKE ALL ON FUNCTION {name}({parameters}) FROM PUBLIC",
    ]


def body(name: str) -> str:
    """The body of a function, as it is made."""
    text = FUNCTIONS[name][3]
    return text.replace("{topics}", _known_topics()) if "{topics}" in text else text


@cache
def _known_topics() -> str:
    """The types of events that this version reads, as SQL lists them; they are loaded only where a function is made or compared."""
    from salesledger.domain.events import TOPICS
    from salesledger.ledger.mapper import UPCASTERS  # which loads the domain

    ours = {topic for topic, cls in TOPICS.items() if cls.__module__.startswith("salesledger.")}
    return ", ".join(f"'{topic}'" for topic in sorted(ours | set(UPCASTERS)))


def role(schema: str, what: str) -> str:
    """The name of a role: roles belong to the whole server, so the ledger's schema is in it."""
    return f"{schema}_{what}"


def mark(database: str, schema: str) -> str:
    """What a role's comment says: for which ledger it was made."""
    return f"salesledger: for the schema {schema} of the database {database}"


RIGHTS: tuple[tuple[str, str, str], ...] = (
    *((what, "USAGE", "") for what in ROLES),
    *((what, "SELECT", table) for what in ROLES for table in _MAY_READ),
    *((what, "EXECUTE", "keep_seal") for what in ("auditor", "recorder")),
    *(("recorder", "EXECUTE", function) for function in ("append_events", "withdraw_append", "hold_ledger")),
)
"""What each role may: the right, and the table or the function; the schema itself where that is empty."""


def grant(schema: str, what: str, right: str, name: str) -> str:
    """The statement that gives a role a right."""
    on = f"FUNCTION {name}({FUNCTIONS[name][0]})" if right == "EXECUTE" else name or f"SCHEMA {schema}"
    return f'GRANT {right} ON {on} TO "{role(schema, what)}"'
