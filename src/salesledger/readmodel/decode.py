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

FIELDS: dict[str, str] = {
    "voids": "BIGINT",
    "void_root": "BIGINT",
    "strikes": "BOOLEAN",
    "void_reason": "VARCHAR",
    "company": "VARCHAR",
    "process": "VARCHAR",
    "process_version": "INTEGER",
    "stage": "VARCHAR",
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
    "reason": "VARCHAR",
    "competitor": "VARCHAR",
    "referred_by": "VARCHAR",
    "grown_from": "VARCHAR",
    "attributes": "JSON",
    "names": "INTEGER",
    "cards": "INTEGER",
    "lead": "VARCHAR",
    "title": "VARCHAR",
    "stages": "JSON",
    "ledger_id": "VARCHAR",
    "timezone": "VARCHAR",
}
"""Every field that some event has besides, with its type in SQL; JSON ones end up as text."""

_MOVE = ("process", "stage")
_MONEY = ("amount", "recurring_amount", "interval_months", "term_months", "currency")
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
    "lead-touched/1": ("company", "channel", "content", "campaign"),
    "lead-captured/1": (
        *_ATTRIBUTES,
        *_MOVE,
        "company",
        "process_version",
        "attributes",
        "referred_by",
        "grown_from",
    ),
    "lead-contacted/1": (*_MOVE, "channel", "outcome"),
    "lead-qualified/1": (*_MOVE, "use_case", "budget", "authority", "timing"),
    "lead-disqualified/1": ("reason",),
    "lead-handed-over/1": (*_MOVE, "handed_to"),
    "lead-accepted/1": (*_MOVE, "owner"),
    "lead-rejected/1": ("reason",),
    "meeting-held/1": (*_MOVE, "kind", "attendees", "pain_points"),
    "trial-started/1": (*_MOVE, "product"),
    "trial-ended/1": (*_MOVE, "outcome"),
    "deal-advanced/1": _MOVE,
    "deal-revised/1": _ATTRIBUTES,
    "offer-made/1": (*_MONEY, *_MOVE),
    "offer-countered/1": (*_MONEY, *_MOVE),
    "paperwork-sent/1": (*_MOVE, "kind"),
    "deal-won/1": _MONEY,
    "deal-lost/1": ("reason", "competitor"),
    "deal-reopened/1": (*_MOVE, "reason"),
    "process-defined/1": ("process_version", "title", "stages"),
    "ledger-opened/1": ("ledger_id", "timezone"),
    "currency-set/1": ("currency",),
}
"""The fields of each current topic, besides those that every event has."""


def decoding(source: str, timezone: str) -> str:
    """The SQL that turns raw rows of the log into rows of `events`.

    Args:
        source: a relation of entry, originator_id, originator_version, topic, state, recorded_at (microseconds), marked_key
            (the key behind a '=', or '' where there is none).
        timezone: the ledger's IANA zone, for `effective_on`.

    A row of a topic that is not current makes the statement fail with UNKNOWN_TOPIC in its message.
    """
    schema = ", ".join(
        f'"{name}": "{"VARCHAR" if kind in ("TIMESTAMP", "JSON") else kind}"'
        for name, kind in (ENVELOPE | FIELDS).items()
    )
    fields = ", ".join(f"d.{name} AS {name}" for name in FIELDS)
    types = " ".join(f"WHEN '{topic}' THEN '{topic.partition('/')[0]}'" for topic in TOPICS)
    effective_at = "CAST(d.effective_at AS TIMESTAMP)"
    local = effective_at if timezone == "UTC" else f"timezone('{timezone}', timezone('UTC', {effective_at}))"
    recorded_at = "make_timestamp(CAST(recorded_at AS BIGINT))"
    return f"""
        SELECT
            CAST(entry AS BIGINT) AS entry,
            split_part(originator_id, ':', 1) AS stream,
            substr(originator_id, strpos(originator_id, ':') + 1) AS id,
            CAST(originator_version AS INTEGER) AS version,
            CASE topic {types} ELSE error('{UNKNOWN_TOPIC} ' || topic) END AS type,
            {effective_at} AS effective_at,
            CAST({local} AS DATE) AS effective_on,
            coalesce(CAST(d.known_at AS TIMESTAMP), {recorded_at}) AS known_at,
            {recorded_at} AS recorded_at,
            d.recorded_by AS recorded_by,
            d.source_system AS source_system,
            CASE WHEN marked_key <> '' THEN substr(marked_key, 2) END AS key,
            coalesce(d.rank, CAST(entry AS BIGINT)) AS rank,
            d.replaces AS replaces,
            {fields}
        FROM (SELECT *, json_transform(CAST(state AS VARCHAR), '{{{schema}}}') AS d FROM {source})
    """
