"""Exceptions from date to date, by hand and on drawn causes: opened, kept, escalated, resolved, opened anew, limited."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation_assets.exceptions.kinds import Kind
from allocation_assets.exceptions.lifecycle import ExceptionSettings, find, settle
from allocation_assets.placeholders import SCHEMAS

DAY = date(2026, 3, 10)
SETTINGS = ExceptionSettings(critical_value=1000, high_value=100, medium_value=10, escalation_days=3, max_per_kind=2)
Row = dict[str, Any]


def kind(name: str) -> Kind:
    """A kind that finds the rows of table `facts` that carry its name; two days until due."""
    query = f"SELECT cause_key, 'P1' AS sku_id, 'S1' AS location_id, value_at_risk, 'e' AS evidence, 'd' AS detail FROM facts WHERE kind = '{name}'"
    return Kind(name, f"{name}_owner", 2, f"mend {name}", query)


KINDS = (kind("a"), kind("b"))


class Days:
    """Dates in a row, each reading the exceptions of the one before."""

    def __init__(self, limits: ExceptionSettings = SETTINGS) -> None:
        self.connection = duckdb.connect()
        self.limits = limits
        self.day = DAY - timedelta(days=1)
        self.connection.execute("CREATE TABLE facts (kind VARCHAR, cause_key VARCHAR, value_at_risk DECIMAL(18, 6))")
        self.connection.execute(f"CREATE TABLE previous ({SCHEMAS['decisions/exceptions']})")

    def next(self, *causes: tuple[str, str, float], kinds=KINDS, skip: int = 0) -> list[Row]:
        """The exceptions of the next date, on which `causes` (kind, key, value) are found; by kind and key."""
        self.day += timedelta(days=1 + skip)
        self.connection.execute("DELETE FROM facts")
        for cause in causes:
            self.connection.execute("INSERT INTO facts VALUES (?, ?, ?)", list(cause))
        find(self.connection, kinds)
        settle(self.connection, self.day, self.limits)
        self.connection.execute("CREATE OR REPLACE TABLE previous AS FROM decided")
        cursor = self.connection.execute("FROM decided ORDER BY kind, cause_key")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_a_cause_opens_stays_escalates_resolves_and_recurs():
    """Due two days after it opened; a level for each three days past due, begun ones included; a new id when it comes back."""
    days = Days()
    [opened] = days.next(("a", "K", 50))
    assert opened == {
        "business_date": DAY, "kind": "a", "cause_key": "K", "severity": "medium", "sku_id": "P1", "location_id": "S1",
        "exception_id": hashlib.sha256(b"a\x1fK\x1f2026-03-10").hexdigest()[:16], "value_at_risk": Decimal(50),
        "owner_role": "a_owner", "opened_on": DAY, "due_on": date(2026, 3, 12), "resolved_on": None, "escalation_level": 0,
        "status": "open", "evidence": "e", "detail": "d", "recommended_action": "mend a",
    }  # fmt: skip
    levels = [days.next(("a", "K", 50))[0]["escalation_level"] for _ in range(8)]
    # The 11th and 12th are in time; the 13th to 15th are late by one level, the 16th to 18th by two.
    assert levels == [0, 0, 1, 1, 1, 2, 2, 2]
    [resolved] = days.next()
    assert resolved == opened | {
        "business_date": date(2026, 3, 19), "status": "resolved", "resolved_on": date(2026, 3, 19), "escalation_level": 2
    }  # fmt: skip
    assert days.next() == []
    [again] = days.next(("a", "K", 50))
    assert (again["opened_on"], again["status"]) == (date(2026, 3, 21), "open")
    assert again["exception_id"] != opened["exception_id"]


def test_severity_follows_the_value_and_the_id_does_not():
    days = Days()
    seen = [days.next(("a", "K", value))[0] for value in (9.99, 10, 99.99, 100, 999.99, 1000, 0)]
    assert [row["severity"] for row in seen] == ["low", "medium", "medium", "high", "high", "critical", "low"]
    assert len({row["exception_id"] for row in seen}) == 1
    assert {row["due_on"] for row in seen} == {date(2026, 3, 12)}


def test_the_same_key_of_two_kinds_is_two_exceptions():
    rows = Days().next(("a", "K", 1), ("b", "K", 1))
    assert [(row["kind"], row["owner_role"]) for row in rows] == [("a", "a_owner"), ("b", "b_owner")]
    assert len({row["exception_id"] for row in rows}) == 2


def test_a_limit_lists_the_most_valuable_and_says_what_it_leaves_out():
    """Two of a kind are listed; three more, 1 + 2 + 3 = 6 of value, are one row. Ties fall to the smaller key."""
    days = Days()
    causes = [("a", "K1", 1), ("a", "K2", 2), ("a", "K3", 3), ("a", "K4", 7), ("a", "K5", 3.5), ("b", "K1", 3)]
    rows = days.next(*causes)
    assert [(row["kind"], row["cause_key"], float(row["value_at_risk"])) for row in rows] == [
        ("a", "*", 6.0), ("a", "K4", 7.0), ("a", "K5", 3.5), ("b", "K1", 3.0)
    ]  # fmt: skip
    assert rows[0]["detail"] == (
        "3 more of this kind, 6.00 at risk together, are not listed one by one; the largest of them is 3.00."
    )
    assert (rows[0]["sku_id"], rows[0]["status"], rows[0]["owner_role"]) == (None, "open", "a_owner")
    assert [
        row["cause_key"] for row in Days().next(("a", "C", 1), ("a", "B", 1), ("a", "A", 1)) if row["cause_key"] != "*"
    ] == ["A", "B"]


def test_a_listed_cause_that_a_greater_one_passes_is_not_called_resolved():
    days = Days()
    first = {row["cause_key"]: row["exception_id"] for row in days.next(("a", "K1", 1), ("a", "K2", 2))}
    rows = days.next(("a", "K1", 1), ("a", "K2", 2), ("a", "K8", 8), ("a", "K9", 9), ("a", "K0", 0.5))
    assert {row["cause_key"]: row["status"] for row in rows} == dict.fromkeys(("K1", "K2", "K8", "K9", "*"), "open")
    assert {row["cause_key"]: row["exception_id"] for row in rows if row["cause_key"] in first} == first
    # Back within the limit: the row for the rest resolves like any other.
    rows = days.next(("a", "K1", 1))
    assert {row["cause_key"]: row["status"] for row in rows} == {
        "*": "resolved",
        "K1": "open",
        "K2": "resolved",
        "K8": "resolved",
        "K9": "resolved",
    }


def test_a_kind_that_is_no_longer_declared_resolves():
    days = Days()
    days.next(("b", "K", 1))
    [row] = days.next(("b", "K", 1), kinds=KINDS[:1])
    assert (row["kind"], row["status"], row["resolved_on"]) == ("b", "resolved", DAY + timedelta(days=1))


def test_days_without_a_run_count_as_days_past_due():
    """Opened on the 10th, due on the 12th, next run on the 20th: 8 days late are three begun periods of three."""
    days = Days()
    days.next(("a", "K", 1))
    assert days.next(("a", "K", 1), skip=9)[0]["escalation_level"] == 3


def test_a_kind_that_does_not_group_its_causes_is_refused():
    with pytest.raises(ValueError, match="kind a found cause K more than once"):
        Days().next(("a", "K", 1), ("a", "K", 2))


CAUSES = st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from("UVWXYZ")), st.integers(0, 2000), max_size=9)


@settings(max_examples=40, deadline=None)
@given(st.lists(CAUSES, min_size=1, max_size=6), st.sampled_from([2, 100]))
def test_every_cause_has_one_open_exception_and_ids_last(drawn, most):
    """Found = open, one each (or in the row of the rest, value for value); ids stable while found, and never used again."""
    days = Days(ExceptionSettings(1000, 100, 10, 3, most))
    live: dict[tuple[str, str], str] = {}
    spent: set[str] = set()
    for causes in drawn:
        rows = days.next(*((*key, value) for key, value in causes.items()))
        open_rows = {(row["kind"], row["cause_key"]): row for row in rows if row["status"] == "open"}
        ids = [row["exception_id"] for row in rows]
        assert len(set(ids)) == len(ids)
        assert sum(row["value_at_risk"] for row in open_rows.values()) == sum(causes.values())
        listed = {key for key in open_rows if key[1] != "*"}
        assert listed <= set(causes) and (most == 2 or listed == set(causes))
        for name in "ab":
            ranked = sorted((key for key in causes if key[0] == name), key=lambda key: (-causes[key], key[1]))
            assert set(ranked[:most]) <= listed
            assert ((name, "*") in open_rows) == (not set(ranked) <= listed)
        assert {row["exception_id"] for row in rows if row["status"] == "resolved"} == {
            known for key, known in live.items() if key not in open_rows
        }
        for key, row in open_rows.items():
            assert row["exception_id"] == live.get(key, row["exception_id"]) and row["exception_id"] not in spent
            assert row["due_on"] == row["opened_on"] + timedelta(days=2) and row["opened_on"] <= days.day
        spent |= {known for key, known in live.items() if key not in open_rows}
        live = {key: row["exception_id"] for key, row in open_rows.items()}
