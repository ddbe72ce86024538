"""What the tables of the reports show, and how those that list deals are split."""

from dataclasses import dataclass, replace

RATES_AS_OF_THEN = "open deals at the rate as of then, closed ones at that of the day on which they closed"


@dataclass(frozen=True)
class Table:
    """What a report's table shows of the projection's columns; the other formats have them all.

    Attributes:
        columns: the columns, in order.
        expendable: those that go where the terminal is too narrow, the first first.
        unless_zero: those that are shown only where they aren't zero throughout.
        headers: shorter names for some of them.
        if_mixed: those that are shown only where the rows differ in them.
        order: the clause that sorts the rows, where the projection leaves that open.
        grouped: the SELECT that answers --by, where the projection doesn't split itself.
        own_periods: whether the projection has periods of its own where none are asked for.
        own_filters: whether filters choose among its rows, and not among the deals that it looks at.
        if_converted: those that are shown only where a deal's value was converted.
        converted: which deals of `deals` the amounts are of, as a condition; empty where the table has none.
        rates: at which rates they were converted.
        unless_empty: the lines that are shown even where they count no deals, of a report whose other lines aren't.
    """

    columns: tuple[str, ...]
    expendable: tuple[str, ...] = ()
    unless_zero: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    if_mixed: tuple[str, ...] = ()
    order: str = ""
    grouped: str = ""
    own_periods: bool = False
    own_filters: bool = False
    if_converted: tuple[str, ...] = ()
    converted: str = ""
    rates: str = RATES_AS_OF_THEN
    unless_empty: tuple[str, ...] = ()

    def header(self, column: str) -> str:
        """What a column is headed with."""
        return dict(self.headers).get(column, column)


PIPELINE = Table(
    ("group", "process", "stage", "deals", "deals_without_amount", "amount", "currency", "weighted_amount"),
    expendable=("deals_without_amount", "weighted_amount"),
    unless_zero=("deals_without_amount",),
    converted="status = 'open'",
)
PIPELINE_BY_PERIOD = replace(
    PIPELINE,
    columns=("period", *PIPELINE.columns),
    converted="""
        EXISTS (
            SELECT 1 FROM periods p
            WHERE p.begins_at <= $as_of AND captured_at < p.ends_at AND (status = 'open' OR closed_at >= p.ends_at)
        )
    """,
    rates="in each row at the rate at its period's end, or at the as-of date where that comes first",
)
DEALS = Table(
    (
        "deal",
        "company",
        "process",
        "stage",
        "status",
        "owner",
        "source",
        "value",
        "currency",
        "rate",
        "value_converted",
        "category",
        "expected_close",
        "captured_on",
        "closed_on",
        "reason",
        "growth",
        "grown_from",
        "subscription",
    ),
    expendable=(
        "subscription",
        "category",
        "source",
        "captured_on",
        "process",
        "rate",
        "grown_from",
        "reason",
        "company",
        "expected_close",
        "growth",
        "closed_on",
    ),
    if_mixed=("process",),
    order=" ORDER BY captured_at, deal",
    headers=(("value_converted", "converted"),),
    if_converted=("rate", "value_converted"),
    converted="true",
    grouped="""
        SELECT
            {group} AS "group",
            count(*) AS deals,
            count(*) - count(value) AS deals_without_amount,
            CAST(sum(value_converted) AS DECIMAL(38, 4)) AS value,
            $currency AS currency
        FROM deals d
        GROUP BY 1
        ORDER BY 1 NULLS LAST
    """,
)
LEADS = Table(
    (
        "deal",
        "company",
        "source",
        "owner",
        "status",
        "stage",
        "captured_on",
        "touches",
        "contacts",
        "qualified_on",
        "meetings",
        "judged",
        "judged_by",
    ),
    expendable=("judged_by", "touches", "company", "meetings", "contacts", "qualified_on"),
    grouped="""
        SELECT
            {group} AS "group",
            count(*) AS leads,
            count(l.qualified_on) AS qualified,
            count(*) FILTER (WHERE d.status = 'open') AS open,
            count(*) FILTER (WHERE d.status = 'won') AS won,
            count(*) FILTER (WHERE d.status = 'lost') AS lost,
            count(*) FILTER (WHERE d.status = 'disqualified') AS disqualified,
            CASE WHEN count(l.judged) > 0 THEN count(*) FILTER (WHERE l.judged = 'met') END AS met,
            CASE WHEN count(l.judged) > 0 THEN count(*) FILTER (WHERE l.judged = 'unmet') END AS unmet,
            CASE WHEN count(l.judged) > 0 THEN count(*) FILTER (WHERE l.judged = 'unknown') END AS unknown
        FROM {relation} l
        JOIN deals d ON d.deal = l.deal
        GROUP BY 1
        ORDER BY 1 NULLS LAST
    """,
)
METRICS = Table(
    (
        "period",
        "group",
        "leads",
        "won",
        "lost",
        "disqualified",
        "bookings",
        "average_deal_size",
        "won_without_amount",
        "currency",
        "close_ratio",
        "average_deal_lifetime_days",
        "average_days_to_loss",
        "sales_velocity",
        "contacted",
        "median_hours_to_first_contact",
    ),
    expendable=(
        "median_hours_to_first_contact",
        "contacted",
        "average_days_to_loss",
        "sales_velocity",
        "won_without_amount",
        "disqualified",
        "lost",
        "won",
    ),
    unless_zero=("disqualified", "won_without_amount", "contacted"),
    headers=(
        ("average_deal_size", "deal_size"),
        ("average_deal_lifetime_days", "days_to_win"),
        ("average_days_to_loss", "days_to_loss"),
        ("won_without_amount", "no_amount"),
        ("sales_velocity", "velocity"),
        ("median_hours_to_first_contact", "hours_to_contact"),
    ),
    converted="status = 'won' AND EXISTS (SELECT 1 FROM periods p WHERE closed_at >= p.begins_at AND closed_at < p.ends_at)",
)
FUNNEL = Table(
    (
        "period",
        "group",
        "process",
        "stage",
        "entered",
        "advanced",
        "won",
        "lost",
        "disqualified",
        "open",
        "step_ratio",
        "win_ratio",
    ),
    expendable=("disqualified", "process"),
    unless_zero=("disqualified",),
)
BLOCKED = Table(
    (
        "deal",
        "company",
        "process",
        "stage",
        "owner",
        "amount",
        "currency",
        "entered_on",
        "days_in_stage",
        "usual_days",
        "times_usual",
        "rot_days",
        "expected_close",
    ),
    expendable=("times_usual", "expected_close", "rot_days", "process", "company", "entered_on", "owner"),
    if_mixed=("process",),
    grouped="""
        SELECT
            {group} AS "group",
            count(*) AS deals,
            CAST(sum(b.amount) AS DECIMAL(38, 4)) AS amount,
            coalesce(max(b.currency), $currency) AS currency,
            max(b.days_in_stage) AS longest_days_in_stage
        FROM blocked b
        JOIN deals d ON d.deal = b.deal
        GROUP BY 1
        ORDER BY 1 NULLS LAST
    """,
    converted="deal IN (SELECT deal FROM blocked)",
)
BOOKINGS = Table(
    (
        "period",
        "deal",
        "company",
        "won_on",
        "bookings",
        "amount",
        "recurring_amount",
        "term_months",
        "currency",
        "lifetime_days",
        "owner",
        "source",
        "process",
    ),
    expendable=(
        "process",
        "source",
        "term_months",
        "recurring_amount",
        "amount",
        "company",
        "owner",
        "lifetime_days",
    ),
    if_mixed=("process",),
    grouped="""
        SELECT
            b.period,
            {group} AS "group",
            count(*) AS won,
            count(*) - count(b.bookings) AS won_without_amount,
            CAST(sum(b.bookings) AS DECIMAL(38, 4)) AS bookings,
            coalesce(max(b.currency), $currency) AS currency
        FROM bookings b
        JOIN periods p ON p.period = b.period
        JOIN deals d ON d.deal = b.deal
        GROUP BY b.period, p.begins_at, 2
        ORDER BY p.begins_at, 2 NULLS LAST
    """,
    converted="deal IN (SELECT deal FROM bookings)",
)
WALK = Table(
    ("group", "line", "deals", "amount", "currency"),
    converted="deal IN (SELECT deal FROM pipeline_moves)",
    unless_empty=("opening", "closing"),
)
MOVES = Table(
    ("group", "line", "deal", "company", "amount", "currency", "expected_close_before", "expected_close"),
    expendable=("company", "expected_close_before", "expected_close"),
    headers=(("expected_close_before", "expected_before"),),
    converted="deal IN (SELECT deal FROM pipeline_moves)",
)
CASES = Table(
    (
        "account",
        "case_id",
        "kind",
        "subject",
        "product",
        "status",
        "opened_on",
        "resolved_on",
        "days",
        "suggestion",
        "resolution",
        "followed",
    ),
    expendable=("product", "kind", "subject", "resolved_on", "followed", "opened_on"),
)
SATISFACTION = Table(
    (
        "period",
        "account",
        "answers",
        "mean",
        "promoters",
        "passives",
        "detractors",
        "nps",
        "last_on",
        "last_score",
    ),
    expendable=("last_on", "passives", "last_score"),
)
ATTAINMENT = Table(
    (
        "period",
        "scope",
        "who",
        "quota",
        "bookings",
        "currency",
        "attainment",
        "gap",
        "commit",
        "best_case",
        "pipeline",
        "won",
        "won_without_amount",
        "uncovered_days",
    ),
    expendable=("won", "pipeline", "best_case", "won_without_amount", "gap", "commit", "scope"),
    unless_zero=("won_without_amount", "uncovered_days"),
    headers=(("won_without_amount", "no_amount"),),
    own_periods=True,
    own_filters=True,
)
MAP = Table(
    (
        "period",
        "process",
        "from_stage",
        "to_stage",
        "to_process",
        "kind",
        "deals",
        "times",
        "share",
        "median_days",
        "amount_lost",
        "lost_without_amount",
        "currency",
    ),
    expendable=("lost_without_amount", "times", "share", "to_process", "process"),
    unless_zero=("lost_without_amount",),
    headers=(("lost_without_amount", "no_amount"), ("from_stage", "from"), ("to_stage", "to")),
    if_mixed=("process", "to_process"),
)
RECURRING = Table(
    (
        "period",
        "group",
        "mrr_opening",
        "mrr_new",
        "mrr_expansion",
        "mrr_contraction",
        "mrr_churn",
        "mrr_exchange",
        "mrr_closing",
        "arr_closing",
        "currency",
        "accounts_closing",
        "nrr",
        "grr",
        "logo_churn",
        "renewals_due",
    ),
    expendable=(
        *("renewals_due", "logo_churn", "grr", "arr_closing", "accounts_closing", "nrr"),
        *("mrr_exchange", "mrr_contraction", "mrr_expansion", "mrr_churn", "mrr_new"),
    ),
    unless_zero=("mrr_exchange",),
    headers=(
        ("mrr_opening", "opening"),
        ("mrr_new", "new"),
        ("mrr_expansion", "expansion"),
        ("mrr_contraction", "contraction"),
        ("mrr_churn", "churn"),
        ("mrr_exchange", "exchange"),
        ("mrr_closing", "closing"),
        ("arr_closing", "arr"),
        ("accounts_closing", "accounts"),
        ("renewals_due", "due"),
    ),
)
