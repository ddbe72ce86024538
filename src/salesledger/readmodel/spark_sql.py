"""DuckDB's SQL in Spark's words, where both give exactly the same rows; whatever isn't known to is refused by name.

sqlglot knows both languages, and translates some constructs into what only looks alike: a median that is an estimate, a list that
loses its order, a day of the week that begins on another day. So nothing passes that isn't on the list below, and what the two
engines do differently is written out here. What depends on a value's type is left to Spark itself: `typeof` is worked out when
the statement is planned, and a type for which the two differ makes the statement fail.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.generators.spark import SparkGenerator

from salesledger.errors import BadQuery
from salesledger.readmodel.bases import MACROS
from salesledger.readmodel.catalogue import parameters_of

NOT_THE_SAME = "NOT_THE_SAME_ON_SPARK"
"""Begins the message of a statement that Spark fails on because a type showed up for which it would differ."""

_SAME = """
    Abs Add Alias And ArgMax ArgMin Array ArrayAgg ArrayAppend ArrayContains ArraySize Avg Between Boolean CTE Case Cast Coalesce
    Column Concat Contains Count DPipe DataType DataTypeParam DateDiff DateFromParts Day DayOfWeekIso DayOfYear Distinct Div Dot EQ
    Except Exists Explode Filter FirstValue From FromJson GT GTE GenerateSeries Greatest Group GroupConcat Having Identifier If
    IgnoreNulls In IntDiv Intersect Interval Is Join LT LTE Lag LastDay LastValue Lead Least Length Like Limit Literal LogicalAnd
    LogicalOr Lower Max Median Min Mod Month Mul NEQ Neg Not Null NullSafeEQ NullSafeNEQ Nullif Offset Or Order Ordered Paren
    PercentileDisc Placeholder PropertyEQ Quarter Rank DenseRank RegexpFullMatch Round RowNumber Select Star StartsWith Struct Sub
    Subquery Sum Table TableAlias TimeToStr Try TryCast Tuple Union Var Where Window WindowSpec With Year
"""
_ALLOWED = frozenset(_SAME.split())
"""sqlglot's names of everything that may stand in a statement."""

_PARTS: dict[str, str] = {
    "Select": "with_ expressions from_ joins where group having order limit offset distinct windows",
    "Distinct": "expressions",
    "Group": "expressions",
    "Join": "this on side kind",
    "Table": "this alias",
    "Star": "except_",
    "Ordered": "this desc nulls_first",
    "Order": "this expressions",
    "Count": "this big_int",
    "Round": "this decimals",
    "With": "expressions recursive",
    "ArgMax": "this expression",
    "ArgMin": "this expression",
    "GroupConcat": "this separator",
    "Limit": "expression",
    "Like": "this expression",
    "Union": "this expression distinct with_ order limit offset",
    "Except": "this expression distinct with_ order limit offset",
    "Intersect": "this expression distinct with_ order limit offset",
    "CTE": "this alias materialized",
    "Lag": "this",
    "Lead": "this",
    "Subquery": "this alias with_",
    "Window": "this partition_by order spec alias over",
}
"""The parts that a construct may have, where it could have others that differ."""

_FUNCTIONS = frozenset({"error", "date_sub", "map_extract_value"})
"""Functions that sqlglot has no name for."""

_WHOLE = ("tinyint", "smallint", "int", "bigint")
_TOLD = (*_WHOLE, "string", "date", "boolean", "timestamp_ntz", "void")
"""What both engines write in the same way as text, besides decimals."""

_INTEGERS = {"TINYINT", "SMALLINT", "INT", "BIGINT"}
_CASTS = {*_INTEGERS, "INT128", "DECIMAL", "DOUBLE", "TEXT", "VARCHAR", "DATE", "TIMESTAMPNTZ", "TIMESTAMP", "ARRAY"}
_TRUTHS = (
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.EQ,
    exp.NEQ,
    exp.And,
    exp.Or,
    exp.Not,
    exp.Is,
    exp.Boolean,
    exp.In,
    exp.Exists,
)

_COUNTING = {"unix_seconds", "unix_micros", "datediff", "timestampdiff", "weekday"}

_FORMATS = {
    "%Y": "yyyy",
    "%Y-%m": "yyyy-MM",
    "%Y-%m-%d": "yyyy-MM-dd",
    "%Y-%m-%d %H:%M": "yyyy-MM-dd HH:mm",
    "%Y-%m-%d %H:%M:%S": "yyyy-MM-dd HH:mm:ss",
    "%Y-%m-%dT%H:%M:%SZ": "yyyy-MM-dd'T'HH:mm:ss'Z'",
}
_ISO_WEEK = "%G-W%V"

_PLAIN_PATTERN = re.compile(r"(?:[-A-Za-z0-9_ ()?|]|\[[-A-Za-z0-9_]+\]|\{\d+(?:,\d+)?\}|\\\.)+")
"""What RE2 and Java read alike in a regular expression."""

_MACRO = re.compile(r"MACRO (\w+)\(([^)]*)\) AS(.*)", re.DOTALL)


@dataclass(frozen=True)
class Translated:
    """A statement for Spark.

    Attributes:
        sql: the statement.
        reads: the relations that it names, as often as it does.
    """

    sql: str
    reads: tuple[str, ...]


def translated(sql: str, values: Mapping[str, object]) -> Translated:
    """A statement of DuckDB's, with its parameters' values in place, as one of Spark's.

    Raises:
        BadQuery: it holds what Spark is not known to answer in exactly the same way; the message names it.
    """
    used = parameters_of(sql)
    return _translated(sql, tuple((name, value) for name, value in sorted(values.items()) if name in used))


@lru_cache(256)
def _translated(sql: str, values: tuple[tuple[str, object], ...]) -> Translated:
    given = dict(values)
    try:
        tree = _expanded(sqlglot.parse_one(sql, dialect="duckdb"))
        _check(tree)
        _remember(tree)
        reads = tuple(table.name for table in tree.find_all(exp.Table))
        holder = exp.Paren(this=tree)
        for node in reversed(list(tree.walk(bfs=False))):
            rule = _RULES.get(type(node).__name__)
            made = _value(given[node.name]) if isinstance(node, exp.Placeholder) else rule(node) if rule else node
            if made is not node:
                node.replace(made)
        return Translated(_written(holder.this), reads)
    except SqlglotError as e:
        first = next(iter(str(e).splitlines()), "it can't be read")
        raise BadQuery(f"That SQL can't be put to the engine spark: {first}. Ask it with --engine duckdb.") from e


class _Nesting(SparkGenerator):
    """Leaves each WITH where it stands: brought to the top, two of one name would be one."""

    EXPRESSIONS_WITHOUT_NESTED_CTES: ClassVar[set[type[exp.Expr]]] = set()


def _written(tree: exp.Expr) -> str:
    return _Nesting(dialect="spark", identify=True, unsupported_level=sqlglot.ErrorLevel.RAISE).generate(tree)


def _refusal(what: str) -> BadQuery:
    return BadQuery(
        f"{what} is not known to give exactly the same rows on the engine spark. Leave it out, or ask with --engine duckdb."
    )


def _remember(tree: exp.Expr) -> None:
    """Keep what is written for what is refused later, when parts of it are translated already."""
    for node in tree.walk():
        if type(node).__name__ in _RULES and not isinstance(node, exp.Select | exp.CTE):
            node.meta["written"] = node.sql(dialect="duckdb")


def _shown(node: exp.Expr) -> str:
    text = node.meta.get("written") or node.sql(dialect="duckdb")
    return repr(text if len(text) <= 80 else f"{text[:80]}...")


def _macros() -> dict[str, tuple[list[str], exp.Expr]]:
    """The engine's own functions, as they are written for DuckDB."""
    found: dict[str, tuple[list[str], exp.Expr]] = {}
    for statement in MACROS.split(";"):
        if told := _MACRO.search(statement):
            names = [name.strip() for name in told[2].split(",")]
            found[told[1]] = names, sqlglot.parse_one(told[3], dialect="duckdb")
    return found


def _expanded(tree: exp.Expr) -> exp.Expr:
    """The statement with the engine's own functions written out."""
    macros = _macros()
    holder = exp.Paren(this=tree)
    while calls := [call for call in holder.find_all(exp.Anonymous) if call.name.lower() in macros]:
        for call in reversed(calls):
            names, body = macros[call.name.lower()]
            if len(names) != len(call.expressions):
                raise BadQuery(f"{_shown(call)}: {call.name} takes {len(names)} values.")
            given = dict(zip(names, call.expressions, strict=True))
            told = exp.Paren(this=body.copy())
            for column in list(told.find_all(exp.Column)):
                column.replace(exp.Paren(this=given[column.name].copy()))
            call.replace(told)
    found: exp.Expr = holder.this.pop()
    return found


def _check(tree: exp.Expr) -> None:
    """Let nothing pass that isn't known to mean the same."""
    for node in tree.walk(bfs=False):
        kind = type(node).__name__
        if isinstance(node, exp.Anonymous) and node.name.lower() in _FUNCTIONS:
            continue
        if isinstance(node, exp.Anonymous):
            raise _refusal(f"The function {node.name}")
        if kind not in _ALLOWED:
            raise _refusal(_shown(node))
        parts = {name for name, value in node.args.items() if value not in (None, False, [], "")}
        if kind in _PARTS and parts - set(_PARTS[kind].split()):
            raise _refusal(_shown(node))
        if isinstance(node, exp.Group) and any(part.name.lower() == "all" for part in node.expressions):
            raise _refusal(_shown(node))
        if isinstance(node, exp.Order) and any(part.name.lower() == "all" for part in node.expressions):
            raise _refusal(_shown(node))


def _call(name: str, *values: exp.Expr | str) -> exp.Expr:
    told = [exp.Literal.string(value) if isinstance(value, str) else value for value in values]
    return exp.Anonymous(this=name, expressions=told)


def _cast(value: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build(kind))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _case(condition: exp.Expr, then: exp.Expr, otherwise: exp.Expr | None = None) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=condition, true=then)], default=otherwise)


def _present(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=exp.Paren(this=value), expression=exp.Null()))


def _value(value: object) -> exp.Expr:
    """A parameter's value, as a literal."""
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case int() | Decimal():
            told = exp.Literal.number(f"{abs(value):f}" if isinstance(value, Decimal) else abs(value))
            return exp.Paren(this=exp.Neg(this=told)) if value < 0 else told
        case datetime():
            return _cast(exp.Literal.string(f"{value:%Y-%m-%d %H:%M:%S.%f}".rjust(26, "0")), "timestampntz")
        case date():
            return _cast(exp.Literal.string(value.isoformat()), "date")
        case str():
            return exp.Literal.string(value)
        case _:
            raise _refusal(f"A parameter of the type {type(value).__name__}")


def _only(value: exp.Expr, allowed: tuple[str, ...], told: str, *, decimals: bool = False) -> exp.Expr:
    """The value where its type is one of those; else the statement fails."""
    kind = _call("typeof", value.copy())
    fits: exp.Expr = exp.In(this=kind, expressions=[exp.Literal.string(name) for name in allowed])
    if decimals:
        fits = exp.Or(this=fits, expression=_call("startswith", kind.copy(), "decimal"))
    message = exp.DPipe(
        this=exp.Literal.string(f"{NOT_THE_SAME} {told} of the type "), expression=_call("typeof", value.copy())
    )
    return exp.If(this=fits, true=value, false=_call("raise_error", message))


def _is(value: exp.Expr) -> str | None:
    """The kind of a value, where its form tells: whole, text, truth, date, double or null."""
    match value:
        case exp.Paren() | exp.Neg() | exp.Sum() | exp.Min() | exp.Max() | exp.Window() | exp.Filter() | exp.Abs():
            return _is(value.this)
        case exp.Anonymous() if value.name in _COUNTING:
            return "whole"
        case exp.Null():
            return "null"
        case exp.Literal():
            return "text" if value.is_string else "whole" if value.is_int else "decimal"
        case exp.Div():
            return "double"
        case exp.Count() | exp.IntDiv() | exp.DateDiff() | exp.RowNumber() | exp.ArraySize() | exp.Length():
            return "whole"
        case exp.Lower() | exp.Concat() | exp.DPipe() | exp.TimeToStr() | exp.GroupConcat():
            return "text"
        case exp.Cast():
            return _kind(value.to)
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Mod():
            return "whole" if {_is(value.this), _is(value.expression)} == {"whole"} else None
        case exp.Coalesce():
            kinds = {_is(part) for part in (value.this, *value.expressions)} - {"null"}
            return kinds.pop() if len(kinds) == 1 else None
        case _ if isinstance(value, _TRUTHS):
            return "truth"
    return None


def _kind(to: exp.DataType) -> str:
    name = to.this.name
    if name in _INTEGERS or name == "INT128" or (name == "DECIMAL" and to.sql().endswith(", 0)")):
        return "whole"
    return {"TEXT": "text", "VARCHAR": "text", "DATE": "date", "DOUBLE": "double", "DECIMAL": "decimal"}.get(
        name, "other"
    )


def _rule_cast(node: exp.Expr) -> exp.Expr:
    value, name = node.this, node.args["to"].this.name
    if name == "MAP" and isinstance(value, exp.Cast) and value.to.this.name == "JSON":
        return _call("from_json", value.this, "map<string, string>", _strict())
    if name == "JSON" and isinstance(node.parent, exp.Cast) and node.parent.to.this.name == "MAP":
        return node
    if isinstance(value, exp.Explode):
        each = exp.Cast(this=exp.column("v"), to=node.args["to"])
        cast = exp.Lambda(this=_rule_cast(each), expressions=[exp.to_identifier("v")])
        return exp.Explode(this=_call("transform", value.this, cast))
    if name not in _CASTS or (name == "DECIMAL" and not node.args["to"].expressions):
        raise _refusal(_shown(node))
    kind = _is(value)
    if name in ("TIMESTAMP", "TIMESTAMPNTZ"):
        node.set("to", exp.DataType.build("timestampntz"))
    if name == "INT128":
        node.set("to", exp.DataType.build("decimal(38, 0)"))
    if name in _INTEGERS and kind == "double":
        node.set("this", _call("rint", value))  # DuckDB rounds to the even neighbour, where Spark cuts off
    elif name in _INTEGERS and kind not in ("whole", "truth", "null"):
        node.set("this", _only(value, (*_WHOLE, "boolean", "void"), "a cast to a whole number"))
    if name in ("INT128", "DECIMAL") and kind not in ("whole", "decimal", "null", "text"):
        node.set("this", _only(value, (*_WHOLE, "string", "void"), "a cast to a decimal", decimals=True))
    if name in ("TEXT", "VARCHAR"):
        return node if isinstance(value, exp.Null) else _told(value)
    return node


def _told(value: exp.Expr) -> exp.Expr:
    """A value as text, where both engines write it alike."""
    kind = _is(value)
    if kind == "text":
        return value
    if kind not in ("whole", "date", "null"):
        value = _only(value, _TOLD, "a cast to text", decimals=True)
    return _cast(value, "text")


def _rule_pipe(node: exp.Expr) -> exp.Expr:
    return exp.DPipe(this=_told(node.this), expression=_told(node.expression))


def _rule_concat(node: exp.Expr) -> exp.Expr:
    return _call(
        "concat", *(exp.Coalesce(this=_told(part), expressions=[exp.Literal.string("")]) for part in node.expressions)
    )


def _rule_div(node: exp.Expr) -> exp.Expr:
    return exp.Div(this=_cast(node.this, "double"), expression=_cast(node.expression, "double"))


def _rule_intdiv(node: exp.Expr) -> exp.Expr:
    def whole(value: exp.Expr) -> exp.Expr:
        known = value if _is(value) == "whole" else _only(value, (*_WHOLE, "decimal(38,0)"), "a whole division")
        return _cast(known, "decimal(38, 0)")

    return exp.Paren(this=exp.IntDiv(this=whole(node.this), expression=whole(node.expression)))


def _rule_chosen(node: exp.Expr) -> exp.Expr:
    """max_by and min_by: DuckDB passes over rows in which there is nothing to choose."""
    if isinstance(node.parent, exp.Window) or (
        isinstance(node.parent, exp.Filter) and isinstance(node.parent.parent, exp.Window)
    ):
        raise _refusal(_shown(node))
    if isinstance(node.this, exp.Struct):
        return node
    return _narrowed(node, _present(node.this.copy()))


def _narrowed(node: exp.Expr, condition: exp.Expr) -> exp.Expr:
    """An aggregate over those rows only; in the FILTER that it has already, or in one of its own."""
    if isinstance(node.parent, exp.Filter):
        where = node.parent.expression
        where.set("this", exp.And(this=exp.Paren(this=where.this), expression=condition))
        return node
    return exp.Filter(this=node.copy(), expression=exp.Where(this=condition))


def _rule_window(node: exp.Expr) -> exp.Expr:
    """Spark has no FILTER in windows, where a CASE says the same, and no frame for what looks at one row; DuckDB passes over it."""
    spec = node.args.get("spec")
    if spec and str(spec.args.get("kind", "")).upper() != "ROWS" and not _by_whole_numbers(node, spec):
        raise _refusal(_shown(node))
    function = node.this.this if isinstance(node.this, exp.IgnoreNulls) else node.this
    if isinstance(function, exp.Lead | exp.Lag):
        _without_frame(node)
    if isinstance(node.this, exp.Filter):
        inner, condition = node.this.this, node.this.expression.this
        if not isinstance(inner, exp.Min | exp.Max | exp.Sum | exp.Count):
            raise _refusal(_shown(node))
        value = _number(1) if isinstance(inner.this, exp.Star) else inner.this
        inner.set("this", _case(condition, value))
        node.set("this", inner)
    return node


def _by_whole_numbers(node: exp.Expr, spec: exp.Expr) -> bool:
    """Whether a frame is a RANGE of whole numbers."""
    order = node.args.get("order")
    ends = [spec.args.get("start"), spec.args.get("end")]
    return (
        str(spec.args.get("kind", "")).upper() == "RANGE"
        and order is not None
        and [_is(key.this) for key in order.expressions] == ["whole"]
        and all(isinstance(end, str | exp.Literal) for end in ends)
    )


def _without_frame(node: exp.Expr) -> None:
    if name := node.args.get("alias"):
        select = node.find_ancestor(exp.Select)
        named = select.args.get("windows") if select else None
        (window,) = [w for w in named or [] if w.this.name == name.name]
        node.set("alias", None)
        for part in ("partition_by", "order"):
            value = window.args.get(part)
            copied = [each.copy() for each in value] if isinstance(value, list) else value and value.copy()
            node.set(part, copied)
    node.set("spec", None)


def _rule_select(node: exp.Expr) -> exp.Expr:
    """Several unnest() side by side go on together; Spark has one for all of them."""
    places = [i for i, told in enumerate(node.expressions) if isinstance(told.unalias(), exp.Explode)]
    if len(places) < 2:
        return node
    told = [node.expressions[i] for i in places]
    if places != list(range(places[0], places[0] + len(places))) or not all(
        isinstance(each, exp.Alias) for each in told
    ):
        raise _refusal("Several unnest() that don't stand side by side, each with a name,")
    lists = [exp.Coalesce(this=each.this.this, expressions=[exp.Array(expressions=[])]) for each in told]
    both = exp.Aliases(
        this=_call("inline", _call("arrays_zip", *lists)), expressions=[each.args["alias"].copy() for each in told]
    )
    node.set("expressions", [*node.expressions[: places[0]], both, *node.expressions[places[-1] + 1 :]])
    return node


def _rule_sum(node: exp.Expr) -> exp.Expr:
    """The sum of floating numbers depends on the order in which they come."""
    if _is(node.this) not in ("whole", "decimal") and not isinstance(node.this, exp.Distinct):
        node.set("this", _only(node.this, (*_WHOLE, "void"), "a sum", decimals=True))
    return node


def _rule_avg(node: exp.Expr) -> exp.Expr:
    if isinstance(node.this, exp.Distinct) or isinstance(node.parent, exp.Window):
        raise _refusal(_shown(node))
    if _is(node.this) != "whole":
        node.set("this", _only(node.this, (*_WHOLE, "void"), "an average"))
    return node


def _rule_median(node: exp.Expr) -> exp.Expr:
    if isinstance(node.this, exp.Distinct) or isinstance(node.parent, exp.Window):
        raise _refusal(_shown(node))
    if _is(node.this) != "whole":
        node.set("this", _only(node.this, (*_WHOLE, "void"), "a median"))
    return node


def _rule_quantile(node: exp.Expr) -> exp.Expr:
    """quantile_disc(x, q): a value that occurs, so no number is made up."""
    share = node.args.get("expression")
    if not isinstance(share, exp.Literal):
        raise _refusal(_shown(node))
    ordered = exp.Order(expressions=[exp.Ordered(this=node.this)])
    return exp.WithinGroup(this=_call("percentile_disc", share), expression=ordered)


def _rule_list(node: exp.Expr) -> exp.Expr:
    """list(x ORDER BY x, ...): Spark collects in no order, so the places are sorted with what stands there."""
    if not isinstance(node.this, exp.Order) or isinstance(node.parent, exp.Filter | exp.Window):
        raise _refusal(_shown(node))
    value, keys = node.this.this, node.this.expressions
    if any(key.args.get("desc") or key.args.get("nulls_first") for key in keys):
        raise _refusal(_shown(node))
    parts: list[exp.Expr] = []
    for i, key in enumerate(keys):
        parts += [exp.Literal.string(f"n{i}"), exp.Is(this=exp.Paren(this=key.this.copy()), expression=exp.Null())]
        parts += [exp.Literal.string(f"k{i}"), key.this]
    place = _call("named_struct", *parts, exp.Literal.string("x"), value)
    sorted_ = _call("array_sort", _call("collect_list", place))
    taken = exp.Lambda(
        this=exp.Dot(this=exp.column("s"), expression=exp.to_identifier("x")), expressions=[exp.to_identifier("s")]
    )
    return _call("nullif", _call("transform", sorted_, taken), exp.Array(expressions=[]))


def _rule_group_concat(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.Order):
        raise _refusal(_shown(node))
    return node


def _rule_date_diff(node: exp.Expr) -> exp.Expr:
    later, earlier, unit = node.this, node.expression, node.args["unit"].name.upper()
    if unit == "DAY":
        return _call("datediff", _cast(later, "date"), _cast(earlier, "date"))
    counted = {"SECOND": "unix_seconds", "MICROSECOND": "unix_micros"}.get(unit)
    if counted is None:
        raise _refusal(_shown(node))

    def at(value: exp.Expr) -> exp.Expr:
        return _call(counted, _cast(_cast(value, "timestampntz"), "timestampltz"))

    return exp.Paren(this=exp.Sub(this=at(later), expression=at(earlier)))


def _rule_function(node: exp.Expr) -> exp.Expr:
    name, given = node.name.lower(), node.expressions
    if name == "error":
        return _call("raise_error", *given)
    if name == "map_extract_value":
        return _call("try_element_at", *given)
    if name == "date_sub" and given[0].name.lower() == "day":
        begin, end = (_cast(value, "timestampntz") for value in given[1:])
        return _call("timestampdiff", exp.Var(this="DAY"), begin, end)
    return node if name not in _FUNCTIONS else _refuse(node)


def _refuse(node: exp.Expr) -> exp.Expr:
    raise _refusal(_shown(node))


def _rule_format(node: exp.Expr) -> exp.Expr:
    form = node.args["format"].name
    if form == _ISO_WEEK:
        week = _call("lpad", _cast(_call("weekofyear", node.this.copy()), "text"), _number(2), exp.Literal.string("0"))
        year = exp.Extract(this=exp.Var(this="YEAROFWEEK"), expression=node.this)
        return exp.Paren(
            this=exp.DPipe(
                this=exp.DPipe(this=_cast(year, "text"), expression=exp.Literal.string("-W")), expression=week
            )
        )
    if form not in _FORMATS:
        raise _refusal(_shown(node))
    return _call("date_format", node.this, _FORMATS[form])


def _rule_weekday(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Add(this=_call("weekday", node.this), expression=_number(1)))


def _rule_make_date(node: exp.Expr) -> exp.Expr:
    return _call("make_date", *(_cast(node.args[part], "int") for part in ("year", "month", "day")))


def _rule_series(node: exp.Expr) -> exp.Expr:
    """Upwards only; where it would go down, it is empty, as DuckDB has it."""
    begin, end, step = node.args["start"], node.args["end"], node.args.get("step")
    if isinstance(step, exp.Neg) or (isinstance(step, exp.Interval) and not str(step.this.name).isdigit()):
        raise _refusal(_shown(node))
    if node.args.get("is_end_exclusive"):
        if step is not None and not isinstance(step, exp.Literal):
            raise _refusal(_shown(node))
        end = exp.Paren(this=exp.Sub(this=end, expression=_number(1)))
    parts = [begin.copy(), end.copy(), *([step.copy()] if step is not None else [])]
    return _case(exp.GTE(this=exp.Paren(this=end), expression=exp.Paren(this=begin)), _call("sequence", *parts))


def _rule_from_json(node: exp.Expr) -> exp.Expr:
    if node.expression.name != '["VARCHAR"]':
        raise _refusal(_shown(node))
    return _call("from_json", node.this, "array<string>", _strict())


def _strict() -> exp.Expr:
    return _call("map", "mode", "FAILFAST")


def _rule_contains(node: exp.Expr) -> exp.Expr:
    """DuckDB doesn't care for the places of a list at which there is nothing."""
    known = exp.And(this=_present(node.this.copy()), expression=_present(node.expression.copy()))
    found = exp.Coalesce(
        this=_call("array_contains", node.this, node.expression), expressions=[exp.Boolean(this=False)]
    )
    return _case(known, found)


def _rule_append(node: exp.Expr) -> exp.Expr:
    return _call("array_append", node.this, node.expression)


def _rule_match(node: exp.Expr) -> exp.Expr:
    pattern = node.expression
    if not isinstance(pattern, exp.Literal) or not _PLAIN_PATTERN.fullmatch(pattern.name):
        raise _refusal(_shown(node))
    return _call("regexp_like", node.this, rf"\A(?:{pattern.name})\z")


def _rule_lower(node: exp.Expr) -> exp.Expr:
    """DuckDB makes each letter small by itself; Java makes two of one, and looks at what stands beside another."""
    return exp.Lower(this=_call("translate", node.this, "\u03a3\u0130", "\u03c3i"))


def _rule_like(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.expression, exp.Literal) or "\\" in node.expression.name:
        raise _refusal(_shown(node))
    return node


def _rule_round(node: exp.Expr) -> exp.Expr:
    if _is(node.this) not in ("whole", "decimal"):
        node.set("this", _only(node.this, _WHOLE, "rounding", decimals=True))
    return node


def _rule_try(node: exp.Expr) -> exp.Expr:
    """Spark says what is wrong where DuckDB says nothing."""
    return exp.Paren(this=node.this)


def _rule_cte(node: exp.Expr) -> exp.Expr:
    node.set("materialized", None)
    return node


_RULES: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "Anonymous": _rule_function,
    "ArgMax": _rule_chosen,
    "ArgMin": _rule_chosen,
    "ArrayAgg": _rule_list,
    "ArrayAppend": _rule_append,
    "ArrayContains": _rule_contains,
    "Avg": _rule_avg,
    "CTE": _rule_cte,
    "Cast": _rule_cast,
    "Concat": _rule_concat,
    "DPipe": _rule_pipe,
    "DateDiff": _rule_date_diff,
    "DateFromParts": _rule_make_date,
    "DayOfWeekIso": _rule_weekday,
    "Div": _rule_div,
    "FromJson": _rule_from_json,
    "GenerateSeries": _rule_series,
    "GroupConcat": _rule_group_concat,
    "IntDiv": _rule_intdiv,
    "Like": _rule_like,
    "Lower": _rule_lower,
    "Median": _rule_median,
    "PercentileDisc": _rule_quantile,
    "RegexpFullMatch": _rule_match,
    "Round": _rule_round,
    "Select": _rule_select,
    "Sum": _rule_sum,
    "TimeToStr": _rule_format,
    "Try": _rule_try,
    "TryCast": _rule_cast,
    "Window": _rule_window,
}
"""What is written differently, by sqlglot's names."""
