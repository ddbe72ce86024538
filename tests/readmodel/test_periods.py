"""How dates, instants and periods are read, and how spans are cut into calendar buckets."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesledger.errors import BadDate, BadPeriod
from salesledger.readmodel.periods import (
    INTERVALS,
    MOST_PERIODS,
    Period,
    Span,
    intersect,
    parse_calendar,
    parse_date,
    parse_moment,
    parse_period,
    split,
)

TODAY = date(2026, 3, 31)  # a Tuesday
BERLIN = ZoneInfo("Europe/Berlin")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo")]

days = st.dates(date(1900, 1, 1), date(2200, 12, 31))
near_days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
lengths = st.integers(min_value=1, max_value=1500).map(lambda count: timedelta(days=count))
spans = st.builds(lambda begin, length: Span(begin, begin + length), near_days, lengths)
WORDS = (
    "2026 2026Q1 2026-03 2026-W05 2026-02-30 20260331 q1 last next this friday mar day week month year days "
    "in ago from to until every monthly 3 9999999 0000 .. - / T 14:30 24:00 Z +01:00 today yesterday"
)
words = st.sampled_from(WORDS.split())
typed = st.lists(words | st.text(max_size=6), max_size=6).map(" ".join) | st.text(st.characters(), max_size=120)


class TestParseDate:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-03-31", date(2026, 3, 31)),
            ("2026/03/31", date(2026, 3, 31)),
            ("2026-3-1", date(2026, 3, 1)),
            ("2026-03", date(2026, 3, 1)),
            ("2026", date(2026, 1, 1)),
            ("2026Q2", date(2026, 4, 1)),
            ("q2", date(2026, 4, 1)),
            ("2026-W05", date(2026, 1, 26)),
            ("2026W53", date(2026, 12, 28)),
            ("today", TODAY),
            ("Yesterday", date(2026, 3, 30)),
            ("friday", date(2026, 4, 3)),
            ("last friday", date(2026, 3, 27)),
            ("  Last   Fri ", date(2026, 3, 27)),
            ("next friday", date(2026, 4, 3)),
            ("last tuesday", date(2026, 3, 24)),
            ("3 days ago", date(2026, 3, 28)),
            ("2 weeks ago", date(2026, 3, 17)),
            ("1 month ago", date(2026, 2, 28)),
            ("in 3 days", date(2026, 4, 3)),
            ("in 1 month", date(2026, 4, 30)),
            ("lastmonth", date(2026, 2, 1)),
            ("Dec 2025", date(2025, 12, 1)),
        ],
    )
    def test_reads_iso_coarse_and_smart_dates(self, text: str, expected: date) -> None:
        assert parse_date(text, TODAY) == expected

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("2026-02-30", "day 30 is out of range 1..28"),
            ("2026-13-01", "month 13 is out of range 1..12"),
            ("2026Q5", "quarter 5 is out of range 1..4"),
            ("2025-W53", "week 53 is out of range 1..52"),
            ("1899-12-31", "year 1899 is out of range 1900..2200"),
            ("in 999999 years", "out of range 1900..2200"),
            ("999999 weeks ago", "out of range 1900..2200"),
            ("march 0000", "year 0 is out of range 1900..2200"),
            ("2026-03-31T14:30", "leave the time of day out"),
            ("2026-03-31\x00", "can't be printed"),
            ("1" * 101, "longer than 100 characters"),
            ("", "empty"),
            ("2026-03/31", "is not a date. Write"),
            ("31.03.2026", "is not a date. Write"),
            ("٢٠٢٦", "is not a date. Write"),
        ],
    )
    def test_says_why_a_text_is_no_date(self, text: str, why: str) -> None:
        with pytest.raises(BadDate, match=re.escape(why)):
            parse_date(text, TODAY)

    def test_shows_only_the_head_of_an_endless_text(self) -> None:
        with pytest.raises(BadDate, match=r"^.{,300}$"):
            parse_date("x" * 10_000_000, TODAY)

    @given(days, days)
    def test_an_iso_date_reads_as_itself_on_any_day(self, day: date, today: date) -> None:
        assert parse_date(day.isoformat(), today) == day
        assert parse_date(f"{day:%Y%m%d}", today) == day

    @given(near_days, st.sampled_from(["monday", "tue", "wed", "thursday", "fri", "sat", "sunday"]))
    def test_last_this_and_next_weekday_are_the_right_weekday_on_the_right_side(self, today: date, name: str) -> None:
        last, this, following = (parse_date(f"{which} {name}", today) for which in ("last", "this", "next"))
        assert last.weekday() == this.weekday() == following.weekday()
        assert 1 <= (today - last).days <= 7
        assert 1 <= (following - today).days <= 7
        assert this.isocalendar()[:2] == today.isocalendar()[:2]
        assert parse_date(name, today) == this

    @given(typed, st.dates())
    def test_any_other_text_is_refused_as_a_bad_date(self, text: str, today: date) -> None:
        try:
            parsed = parse_date(text, today)
        except BadDate:
            return
        assert 1899 <= parsed.year <= 2200


class TestParseMoment:
    @pytest.mark.parametrize(
        ("text", "end_of_day", "expected"),
        [
            ("2026-03-31", False, "2026-03-30T22:00:00+00:00"),
            ("2026-03-31", True, "2026-03-31T21:59:59.999999+00:00"),
            ("2026Q1", False, "2025-12-31T23:00:00+00:00"),
            ("2026Q1", True, "2026-03-31T21:59:59.999999+00:00"),
            ("2026-W05", True, "2026-02-01T22:59:59.999999+00:00"),
            ("2026-03-31T14:30", True, "2026-03-31T12:30:00+00:00"),
            ("2026-03-31t14:30:05", False, "2026-03-31T12:30:05+00:00"),
            ("2026-03-31T14:30:05.123456789", False, "2026-03-31T12:30:05.123456+00:00"),
            ("2026-03-31T14:30Z", False, "2026-03-31T14:30:00+00:00"),
            ("2026-03-31T14:30:00+05:30", False, "2026-03-31T09:00:00+00:00"),
            ("2026-03-29T02:30", False, "2026-03-29T01:30:00+00:00"),  # skipped: read by the offset before
            ("2026-10-25T02:30", False, "2026-10-25T00:30:00+00:00"),  # comes twice: the earlier one
            ("yesterday 9:15", False, "2026-03-30T07:15:00+00:00"),
        ],
    )
    def test_reads_instants_and_the_ends_of_days(self, text: str, end_of_day: bool, expected: str) -> None:
        moment = parse_moment(text, TODAY, BERLIN, end_of_day=end_of_day)
        assert moment.isoformat() == expected
        assert moment.tzinfo is UTC

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("2026-03-31T24:00", "hour 24 is out of range 0..23"),
            ("2026-03-31T12:60", "minute 60 is out of range 0..59"),
            ("2026-03-31T12:00+25:00", "offset 25 is out of range 0..23"),
            ("2026-03T12:00", "a single day"),
        ],
    )
    def test_says_why_a_text_is_no_instant(self, text: str, why: str) -> None:
        with pytest.raises(BadDate, match=re.escape(why)):
            parse_moment(text, TODAY, BERLIN, end_of_day=False)

    def test_a_day_whose_midnight_the_clocks_skip_starts_at_the_jump(self) -> None:
        moment = parse_moment("2018-11-04", TODAY, SAO_PAULO, end_of_day=False)
        assert moment.astimezone(SAO_PAULO).isoformat() == "2018-11-04T01:00:00-02:00"
        before = parse_moment("2018-11-03", TODAY, SAO_PAULO, end_of_day=True)
        assert moment - before == timedelta(microseconds=1)

    @given(near_days, st.sampled_from(ZONES))
    def test_days_follow_each_other_without_gap_or_overlap(self, day: date, zone: ZoneInfo) -> None:
        end = parse_moment(day.isoformat(), TODAY, zone, end_of_day=True)
        next_start = parse_moment((day + timedelta(days=1)).isoformat(), TODAY, zone, end_of_day=False)
        assert next_start - end == timedelta(microseconds=1)
        assert next_start.astimezone(zone).date() == day + timedelta(days=1)

    @given(days, st.times(), st.booleans())
    def test_an_instant_reads_as_itself_whatever_end_is_asked_for(self, day: date, at: time, end_of_day: bool) -> None:
        moment = datetime.combine(day, at, tzinfo=UTC)
        assert parse_moment(moment.isoformat(), TODAY, BERLIN, end_of_day=end_of_day) == moment

    @given(typed, days, st.sampled_from(ZONES), st.booleans())
    def test_any_other_text_is_refused_as_a_bad_date(
        self, text: str, today: date, zone: ZoneInfo, end_of_day: bool
    ) -> None:
        try:
            moment = parse_moment(text, today, zone, end_of_day=end_of_day)
        except BadDate:
            return
        assert moment.utcoffset() == timedelta(0)


class TestParsePeriod:
    @pytest.mark.parametrize(
        ("text", "begin", "end", "interval"),
        [
            ("2026", "2026-01-01", "2027-01-01", None),
            ("2026Q1", "2026-01-01", "2026-04-01", None),
            ("2026-W05", "2026-01-26", "2026-02-02", None),
            ("2026-03-31", "2026-03-31", "2026-04-01", None),
            ("today", "2026-03-31", "2026-04-01", None),
            ("this week", "2026-03-30", "2026-04-06", None),
            ("last month", "2026-02-01", "2026-03-01", None),
            ("next quarter", "2026-04-01", "2026-07-01", None),
            ("march", "2026-03-01", "2026-04-01", None),
            ("in 2026", "2026-01-01", "2027-01-01", None),
            ("in 3 days", "2026-04-03", "2026-04-04", None),
            ("2026-03..2026-06", "2026-03-01", "2026-06-01", None),
            ("2026Q1..", "2026-01-01", None, None),
            ("..2026Q1", None, "2026-01-01", None),
            ("from 2026-01 to 2026-03-15", "2026-01-01", "2026-03-15", None),
            ("since last month until today", "2026-02-01", "2026-03-31", None),
            ("from 2026", "2026-01-01", None, None),
            ("quarterly in 2026", "2026-01-01", "2027-01-01", "quarter"),
            ("monthly from 2026-01 to 2026-07", "2026-01-01", "2026-07-01", "month"),
            ("Weekly", None, None, "week"),
            ("every month", None, None, "month"),
        ],
    )
    def test_reads_spans_ranges_and_intervals(
        self, text: str, begin: str | None, end: str | None, interval: str | None
    ) -> None:
        span = Span(date.fromisoformat(begin) if begin else None, date.fromisoformat(end) if end else None)
        assert parse_period(text, TODAY) == (span, interval)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("2026-06..2026-03", "its end must be later than its begin"),
            ("2026-03..2026-03", "its end must be later than its begin"),
            ("..", "name its begin or its end"),
            ("", "empty"),
            ("2026-02-30..2026-06", "'2026-02-30': day 30 is out of range 1..28"),
            ("2026..whenever", "'whenever' is not a date"),
            ("hourly", "is not a period. Write"),
        ],
    )
    def test_says_why_a_text_is_no_period(self, text: str, why: str) -> None:
        with pytest.raises(BadPeriod, match=re.escape(why)):
            parse_period(text, TODAY)

    @given(typed, days)
    def test_any_other_text_is_refused_as_a_bad_period(self, text: str, today: date) -> None:
        try:
            span, interval = parse_period(text, today)
        except BadPeriod:
            return
        assert span.begin is None or span.end is None or span.begin < span.end
        assert interval is None or interval in INTERVALS

    @given(typed, days)
    def test_whatever_is_a_date_is_a_period_that_begins_there(self, text: str, today: date) -> None:
        try:
            begin = parse_date(text, today)
        except BadDate:
            return
        assert parse_period(text, today)[0].begin == begin

    @given(spans)
    def test_a_label_reads_as_the_span_that_it_names(self, span: Span) -> None:
        assert parse_period(span.label, TODAY) == (span, None)


class TestParseCalendar:
    def test_reads_what_means_the_same_on_any_day(self) -> None:
        assert parse_calendar("2026q1") == Period("2026Q1", date(2026, 1, 1), date(2026, 4, 1))
        assert parse_calendar("2026-03-31") == Period("2026-03-31", date(2026, 3, 31), date(2026, 4, 1))

    @pytest.mark.parametrize("text", ["today", "last month", "march", "q1", "2026..2027", "", "2026-02-30"])
    def test_refuses_what_is_counted_from_today(self, text: str) -> None:
        with pytest.raises(BadDate):
            parse_calendar(text)


class TestSpan:
    def test_a_span_that_ends_where_it_begins_cannot_be_made(self) -> None:
        with pytest.raises(BadPeriod, match="its end must be later than its begin"):
            Span(TODAY, TODAY)

    @pytest.mark.parametrize(
        ("span", "label"),
        [
            (Span(date(2026, 1, 1), date(2026, 4, 1)), "2026Q1"),
            (Span(date(2026, 3, 1), date(2026, 4, 1)), "2026-03"),
            (Span(date(2025, 12, 29), date(2026, 1, 5)), "2026-W01"),
            (Span(date(2026, 3, 31), date(2026, 4, 1)), "2026-03-31"),
            (Span(date(2026, 1, 5), date(2026, 2, 7)), "2026-01-05..2026-02-07"),
            (Span(date(2026, 1, 5), None), "2026-01-05.."),
            (Span(None, date(2026, 2, 7)), "..2026-02-07"),
            (Span(), ".."),
            (Span(date(9999, 12, 1), date.max), "9999-12"),
        ],
    )
    def test_an_exact_calendar_bucket_has_its_own_label(self, span: Span, label: str) -> None:
        assert span.label == label

    def test_its_instants_are_local_midnights(self) -> None:
        span = Span(date(2026, 3, 29), date(2026, 3, 30))
        assert span.begins_at(BERLIN) == datetime(2026, 3, 28, 23, tzinfo=UTC)
        assert span.ends_at(BERLIN) == datetime(2026, 3, 29, 22, tzinfo=UTC)
        assert Period("x", date(2026, 3, 29), date(2026, 3, 30)).ends_at(BERLIN) == span.ends_at(BERLIN)
        assert Span().begins_at(BERLIN) is None
        assert Span().ends_at(BERLIN) is None


class TestIntersect:
    def test_open_ends_take_what_the_others_say(self) -> None:
        march, from_tenth = Span(date(2026, 3, 1), date(2026, 4, 1)), Span(date(2026, 3, 10), None)
        assert intersect(march, from_tenth, Span()) == Span(date(2026, 3, 10), date(2026, 4, 1))
        assert intersect() == Span()

    def test_spans_that_share_no_day_are_a_bad_period(self) -> None:
        with pytest.raises(BadPeriod):
            intersect(Span(date(2026, 3, 1), None), Span(None, date(2026, 3, 1)))

    @given(spans, spans, near_days)
    def test_a_day_is_in_it_exactly_when_it_is_in_every_span(self, one: Span, other: Span, day: date) -> None:
        def holds(span: Span) -> bool:
            begin, end = _ends(span)
            return begin <= day < end

        try:
            shared = holds(intersect(one, other))
        except BadPeriod:
            shared = False
        assert shared == (holds(one) and holds(other))


class TestSplit:
    def test_a_span_is_widened_to_whole_buckets(self) -> None:
        periods = split(Span(date(2026, 2, 10), date(2026, 4, 2)), "month")
        assert [period.label for period in periods] == ["2026-02", "2026-03", "2026-04"]
        assert periods[0].begin == date(2026, 2, 1)
        assert periods[-1].end == date(2026, 5, 1)

    def test_a_week_takes_its_iso_year(self) -> None:
        labels = [period.label for period in split(Span(date(2025, 12, 31), date(2026, 1, 6)), "week")]
        assert labels == ["2026-W01", "2026-W02"]

    def test_without_interval_the_span_is_the_only_period(self) -> None:
        assert split(Span(date(2026, 1, 1), date(2026, 4, 1)), None) == [
            Period("2026Q1", date(2026, 1, 1), date(2026, 4, 1))
        ]

    @pytest.mark.parametrize("span", [Span(), Span(TODAY, None), Span(None, TODAY)])
    def test_an_open_end_is_refused(self, span: Span) -> None:
        with pytest.raises(BadPeriod, match="both ends"):
            split(span, "month")

    def test_an_unknown_interval_is_refused_by_naming_the_known_ones(self) -> None:
        with pytest.raises(BadPeriod, match="day, week, month, quarter, year"):
            split(Span(date(2026, 1, 1), TODAY), "fortnight")

    def test_exactly_the_most_periods_are_allowed_and_not_one_more(self) -> None:
        begin = date(2000, 1, 1)
        assert len(split(Span(begin, begin + timedelta(days=MOST_PERIODS)), "day")) == MOST_PERIODS
        with pytest.raises(BadPeriod, match="10,000 days"):
            split(Span(begin, begin + timedelta(days=MOST_PERIODS + 1)), "day")

    def test_the_end_of_the_calendar_is_reached_without_an_overflow(self) -> None:
        assert split(Span(date(9998, 6, 1), date.max), "year")[-1].end == date.max

    @given(spans, st.sampled_from(INTERVALS))
    def test_buckets_cover_the_span_without_gap_or_overlap_and_none_is_in_vain(self, span: Span, interval: str) -> None:
        periods = split(span, interval)
        assert all(one.end == other.begin for one, other in pairwise(periods))
        begin, end = _ends(span)
        assert periods[0].begin <= begin < periods[0].end
        assert periods[-1].begin < end <= periods[-1].end

    @given(spans, st.sampled_from(INTERVALS), st.data())
    def test_every_day_falls_into_exactly_one_bucket_the_one_that_its_label_names(
        self, span: Span, interval: str, data: st.DataObject
    ) -> None:
        begin, end = _ends(span)
        day = data.draw(st.dates(begin, end - timedelta(days=1)))
        (bucket,) = [period for period in split(span, interval) if period.begin <= day < period.end]
        assert parse_calendar(bucket.label) == bucket
        assert bucket.label == _label_of(day, interval)


def _ends(span: Span) -> tuple[date, date]:
    assert span.begin is not None
    assert span.end is not None
    return span.begin, span.end


def _label_of(day: date, interval: str) -> str:
    """The slow, obvious twin: the bucket's name straight from the day's own fields."""
    return {
        "day": day.strftime("%Y-%m-%d"),
        "week": day.strftime("%G-W%V"),
        "month": day.strftime("%Y-%m"),
        "quarter": f"{day.year}Q{[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4][day.month - 1]}",
        "year": day.strftime("%Y"),
    }[interval]
