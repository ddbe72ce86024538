"""From the log's bytes to the typed columns of `events`: what each type of event holds, and the SQL that decodes it.

The domain's classes say the same; a test holds the two against each other, so that reports need not import pydantic.
"""

UNKNOWN_TOPIC = "UNKNOWN_TOPIC"

ENVELOPE: dict[str, str] = {
    "effective_at": "TIMESTAMP",
    "known_at": "TIMESTAMP",
    "recorded_by": "VARCHAR",
    "source_system": "VARCHAR",
    "rank": "BIGINT",
    "replaces": "BIGINT",
}
"""The fields that every event has, with their types in SQL."""

MOVE: dict[str, str] = {"process": "VARCHAR", "stage": "VARCHAR"}
"""The fields of whatever moves a deal."""

FIELDS: dict[str, str] = {
    "voids": "BIGINT",
    "void_root": "BIGINT",
    "strikes": "BOOLEAN",
    "company": "VARCHAR",
    "process_version": "INTEGER",
    "account": "VARCHAR",
    "owner": "VARCHAR",
    "team": "VARCHAR",
    "product": "VARCHAR",
    "segment": "VARCHAR",
    "source": "VARCHAR",
    "campaign": "VARCHAR",
    "amount": "DECIMAL(18, 4)",
    "recurring_amount": "DECIMAL(18, 4)",
    "interval_months": "INTEGER",
    "term_months": "INTEGER",
    "currency": "VARCHAR",
    "expected_close": "DATE",
    "category": "VARCHAR",
    "reason": "VARCHAR",
    "competitor": "VARCHAR",
    "referred_by": "VARCHAR",
    "grown_from": "VARCHAR",
    "attributes": "JSON",
    "judged": "VARCHAR",
    "subscription": "VARCHAR",
    "growth": "VARCHAR",
}
"""What the fold of a deal reads besides, with its type in SQL: the mirror has a column for each."""

DETAILS: dict[str, str] = {
    "void_reason": "VARCHAR",
    "channel": "VARCHAR",
    "content": "VARCHAR",
    "outcome": "VARCHAR",
    "use_case": "VARCHAR",
    "budget": "VARCHAR",
    "authority": "VARCHAR",
    "timing": "VARCHAR",
    "handed_to": "VARCHAR",
    "kind": "VARCHAR",
    "attendees": "INTEGER",
    "pain_points": "JSON",
    "persons": "JSON",
    "person": "VARCHAR",
    "role": "VARCHAR",
    "names": "INTEGER",
    "cards": "INTEGER",
    "lead": "VARCHAR",
    "deal": "VARCHAR",
    "handed_by": "VARCHAR",
    "list_amount": "DECIMAL(18, 4)",
    "terms": "VARCHAR",
    "preference": "VARCHAR",
    "weight": "INTEGER",
    "evidence": "BIGINT",
    "note": "VARCHAR",
    "case_id": "VARCHAR",
    "subject": "VARCHAR",
    "suggestion": "VARCHAR",
    "suggestion_why": "VARCHAR",
    "resolution": "VARCHAR",
    "followed": "BOOLEAN",
    "score": "INTEGER",
    "begins_on": "DATE",
    "ends_on": "DATE",
    "call": "VARCHAR",
    "model": "VARCHAR",
    "origin": "DATE",
    "upto": "BIGINT",
    "mean": "DECIMAL(18, 4)",
    "lo_95": "DECIMAL(18, 4)",
    "lo_80": "DECIMAL(18, 4)",
    "median": "DECIMAL(18, 4)",
    "hi_80": "DECIMAL(18, 4)",
    "hi_95": "DECIMAL(18, 4)",
    "rate": "DECIMAL(18, 8)",
    "title": "VARCHAR",
    "stages": "JSON",
    "criteria": "JSON",
    "disqualify_reasons": "JSON",
    "loss_reasons": "JSON",
    "ledger_id": "VARCHAR",
    "timezone": "VARCHAR",
    "seal_key": "VARCHAR",
}
"""Every field that some event has besides: the mirror keeps them as text, and a question that reads one takes it out of that.

JSON ones end up as text.
"""

_MOVE = tuple(MOVE)
_MONEY = ("amount", "recurring_amount", "interval_months", "term_months", "currency")
_PRICED = ("list_amount", "terms")
_RECURRING = ("recurring_amount", "interval_months", "currency")
_PROMISE = ("owner", "team", "begins_on", "ends_on", "amount", "currency")
_INTERVALS = ("lo_95", "lo_80", "median", "hi_80", "hi_95")
_ATTRIBUTES = (
    *_MONEY,
    "account",
    "owner",
    "team",
    "product",
    "segment",
    "source",
    "campaign",
    "expected_close",
    "category",
)

TOPICS: dict[str, tuple[str, ...]] = {
    "event-voided/1": ("voids", "void_root", "strikes", "void_reason"),
    "account-opened/1": ("company", "attributes"),
    "referral-asked/1": ("names", "cards"),
    "referral-given/1": ("lead",),
    "contact-added/1": ("person", "role"),
    "contact-removed/1": ("person",),
    "person-added/1": (),
    "person-revised/1": (),
    "person-forgotten/1": ("reason",),
    "lead-touched/1": ("company", "channel", "content", "campaign"),
    "lead-captured/1": (
        *_ATTRIBUTES,
        *_MOVE,
        "company",
        "process_version",
        "attributes",
        "judged",
        "referred_by",
        "grown_from",
        "subscription",
        "growth",
    ),
    "lead-contacted/1": (*_MOVE, "channel", "outcome"),
    "lead-qualified/1": (*_MOVE, "use_case", "budget", "authority", "timing"),
    "lead-disqualified/1": ("reason",),
    "lead-handed-over/1": (*_MOVE, "handed_to", "handed_by"),
    "lead-accepted/1": (*_MOVE, "owner"),
    "lead-rejected/1": ("reason",),
    "meeting-held/1": (*_MOVE, "kind", "attendees", "persons", "pain_points"),
    "trial-started/1": (*_MOVE, "product"),
    "trial-ended/1": (*_MOVE, "outcome"),
    "deal-advanced/1": _MOVE,
    "deal-moved/1": (*_MOVE, "process_version"),
    "deal-revised/1": _ATTRIBUTES,
    "offer-made/1": (*_MONEY, *_MOVE, *_PRICED),
    "offer-countered/1": (*_MONEY, *_MOVE, *_PRICED),
    "paperwork-sent/1": (*_MOVE, "kind"),
    "deal-won/1": (*_MONEY, *_PRICED),
    "deal-lost/1": ("reason", "competitor"),
    "deal-reopened/1": (*_MOVE, "reason"),
    "subscription-started/1": ("subscription", "deal", "product", "term_months", *_RECURRING),
    "subscription-renewed/1": ("subscription", "deal", "term_months", *_RECURRING),
    "subscription-changed/1": ("subscription", "deal", "reason", *_RECURRING),
    "subscription-cancelled/1": ("subscription", "reason", "competitor"),
    "account-noted/1": ("preference", "weight", "evidence", "note"),
    "case-opened/1": ("case_id", "kind", "subject", "product", "suggestion", "suggestion_why"),
    "case-resolved/1": ("case_id", "resolution", "followed"),
    "satisfaction-noted/1": ("score", "case_id", "channel"),
    "target-set/1": _PROMISE,
    "forecast-called/1": (*_PROMISE, "call"),
    "forecast-issued/1": ("model", "begins_on", "ends_on", "origin", "upto", "mean", *_INTERVALS, "currency"),
    "rate-set/1": ("currency", "rate"),
    "process-defined/1": ("process_version", "title", "stages", "criteria", "disqualify_reasons", "loss_reasons"),
    "ledger-opened/1": ("ledger_id", "timezone", "seal_key"),
    "currency-set/1": ("currency",),
    "seal-key-set/1": ("seal_key",),
}
"""The fields of each current topic, besides those that every event has."""


_MORE = [topic for topic, names in TOPICS.items() if set(names) & set(DETAILS)]


def decoding(source: str) -> str:
    """The SQL that turns raw rows of the log into the rows that the mirror keeps.

    Args:
        source: a relation of entry, originator_id, originator_version, topic, state, recorded_at (microseconds), marked_key
            (the key behind a '=', or '' where there is none).

    A row of a topic that is not current makes the statement fail with UNKNOWN_TOPIC in its message.
    """
    columns = ", ".join(f"e.{name} AS {name}" for name in MOVE | FIELDS)
    types = " ".join(f"WHEN '{topic}' THEN '{topic.partition('/')[0]}'" for topic in TOPICS)
    recorded_at = "make_timestamp(CAST(recorded_at AS BIGINT))"
    return f"""
        SELECT
            CAST(entry AS BIGINT) AS entry,
            CASE WHEN starts_with(originator_id, 'deal:') THEN 'deal' ELSE split_part(originator_id, ':', 1) END AS stream,
            substr(originator_id, strpos(originator_id, ':') + 1) AS id,
            CAST(originator_version AS INTEGER) AS version,
            CASE topic {types} ELSE error('{UNKNOWN_TOPIC} ' || topic) END AS type,
            CAST(e.effective_at AS TIMESTAMP) AS effective_at,
            coalesce(CAST(e.known_at AS TIMESTAMP), {recorded_at}) AS known_at,
            {recorded_at} AS recorded_at,
            e.recorded_by AS recorded_by,
            e.source_system AS source_system,
            marked_key,
            e.rank AS moved_rank,
            e.replaces AS replaces,
            {columns},
            CASE WHEN topic IN ({_quoted(_MORE)}) THEN state END AS more
        FROM (SELECT *, {_parsed("state", ENVELOPE | MOVE | FIELDS)} AS e FROM {source})
    """


def unfolding(source: str, timezone: str, *, details: bool = True) -> str:
    """The SQL that turns rows of the mirror into rows of `events`.

    Args:
        source: a query over what `decoding` gives.
        timezone: the ledger's IANA zone, for `effective_on`.
        details: whether the fields of `DETAILS` are read; else they are NULL, which is planned and answered sooner.
    """
    local = "effective_at" if timezone == "UTC" else f"timezone('{timezone}', timezone('UTC', effective_at))"
    told = ", ".join(f"{f'd.{name}' if details else 'NULL'} AS {name}" for name in DETAILS)
    taken = _parsed("more", DETAILS) if details else "NULL"
    return f"""
        SELECT
            * EXCLUDE (marked_key, moved_rank, more, d),
            CASE WHEN marked_key <> '' THEN substr(marked_key, 2) END AS key,
            coalesce(moved_rank, entry) AS rank,
            CAST({local} AS DATE) AS effective_on,
            {told}
        FROM (SELECT *, {taken} AS d FROM ({source}))
    """


def _parsed(text: str, fields: dict[str, str]) -> str:
    schema = ", ".join(
        f'"{name}": "{"VARCHAR" if kind in ("TIMESTAMP", "JSON") else kind}"' for name, kind in fields.items()
    )
    return f"json_transform({text}, '{{{schema}}}')"


def _quoted(words: list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
