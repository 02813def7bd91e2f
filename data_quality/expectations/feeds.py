"""Expectations of the accepted feed rows, derived from the feed contracts: what was taken in keeps its contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from data_quality.expectations.spec import ExpectationSpec, SpecBuilder, flatten
from data_quality.invariants import ROWS_NOT_CONSERVED

if TYPE_CHECKING:
    from data_quality.feeds import Column, FeedContract

SUITE = "feeds"
#: Where a row came from: what names a failing row of any feed.
PROVENANCE = ("business_date", "source_file", "source_line")
#: Views that hold the ids of the masters, by what a contract's `references` says.
KNOWN_IDS = {"items.sku_id": "known_items", "locations.location_id": "known_locations"}

_ACCOUNTING = SpecBuilder(SUITE, "accounting", ("feed", "business_date", "source_file"))


def feed_specs(contracts: Mapping[str, FeedContract]) -> tuple[ExpectationSpec, ...]:
    """The suite `feeds`: every contract's rules, and the conservation of rows per file (published.md, invariant 3)."""
    return flatten([spec for contract in contracts.values() for spec in _contract_specs(contract)] + _accounting())


def _contract_specs(contract: FeedContract) -> Iterable[ExpectationSpec]:
    feed = SpecBuilder(SUITE, contract.feed, PROVENANCE)
    # Whatever the key's scope, within one business date it is unique; across dates the take-in has compared it.
    yield feed.unique(*_without("business_date", contract.grain), "business_date")
    yield from feed.not_null("business_date", "source_file", "source_line")
    for column in contract.columns:
        yield from _column_specs(feed, column)


def _column_specs(feed: SpecBuilder, column: Column) -> Iterable[ExpectationSpec]:
    if column.required:
        yield from feed.not_null(column.name)
    if column.min is not None or column.max is not None:
        yield feed.between(column.name, column.min, column.max)
    if column.nonzero:
        yield feed.none_of(column.name, [0])
    if column.enum:
        yield feed.one_of(column.name, list(column.enum))
    if column.references:
        yield _reference(feed, column)


def _reference(feed: SpecBuilder, column: Column) -> ExpectationSpec:
    sql = (
        f'SELECT b.* FROM {{batch}} AS b ANTI JOIN {KNOWN_IDS[column.references]} AS k ON k.id = b."{column.name}" '
        f'WHERE b."{column.name}" IS NOT NULL'
    )
    return feed.rows(f"{column.name}_in_master", sql, f"{column.name} is an id of {column.references}")


def _accounting() -> list[ExpectationSpec | list[ExpectationSpec]]:
    return [
        _ACCOUNTING.not_null("feed", "business_date", "source_file", "rows_landed", "rows_loaded"),
        _ACCOUNTING.where(
            "rows_conserved",
            ROWS_NOT_CONSERVED,
            "rows landed = loaded + duplicate + quarantined, for every file",
        ),
        _ACCOUNTING.where(
            "counts_not_negative",
            "least(rows_landed, rows_loaded, rows_duplicate, rows_quarantined, rows_late) < 0",
            "no count of rows is negative",
        ),
        _ACCOUNTING.rows(
            "loaded_rows_present",
            """
            SELECT feed, business_date, source_file, b.rows_loaded, r.rows_present
            FROM (
                SELECT feed, business_date, source_file, sum(rows_loaded) AS rows_loaded FROM {batch} AS a GROUP BY ALL
            ) AS b
            FULL JOIN loaded_rows AS r USING (feed, business_date, source_file)
            WHERE coalesce(b.rows_loaded, 0) <> coalesce(r.rows_present, 0)
            """,
            "as many rows of every file are in the lake as the accounting says were loaded",
        ),
    ]


def _without(name: str, columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(column for column in columns if column != name)
