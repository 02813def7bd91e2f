"""Checks in words: data tests of dbt, failures, and what stands on an asset."""

import dagster as dg

from orchestration.check_words import data_test_words, failure, touched


def of_kind(name, **arguments):
    return {"name": "t", "description": "", "test_metadata": {"name": name, "kwargs": {"model": "m", **arguments}}}


def test_a_data_test_says_what_it_asks():
    assert data_test_words(of_kind("not_null", column_name="feed")) == "feed is never null."
    assert data_test_words(of_kind("unique_combination", columns=["a", "b"])) == "No two rows share a, b."
    assert data_test_words(of_kind("kpi_holds", expression="x = {y}")) == "On every row that has the values, `x = {y}`."
    assert data_test_words({"name": "t", "description": "As said\n here."}) == "As said here."
    assert data_test_words({"name": "t", "raw_code": "-- Every unit\n-- traces.\nselect 1"}) == "Every unit traces."
    assert data_test_words({"name": "t", "raw_code": "select 1"}) == "The query t returns no row."


def test_a_failure_is_one_sentence():
    assert failure("pos: no file.", ["a", "b"], is_blocking=True) == "pos: no file; it touches a, b: none of them is published, published/ stays as it was."
    assert failure("odd", ["a", "b", "c", "d", "e"], is_blocking=False) == "odd; it touches a, b, c and 2 more."
    assert failure("odd", [], is_blocking=True) == "odd; it touches no published dataset."


def test_what_stands_on_an_asset_is_found_through_the_graph():
    specs = [
        dg.AssetSpec("a"),
        dg.AssetSpec("b", deps=["a"]),
        dg.AssetSpec(["published", "y"], deps=["b"]),
        dg.AssetSpec(["published", "x"], deps=["a", "b"]),
        dg.AssetSpec(["published", "other"]),
    ]
    graph = dg.Definitions(assets=specs).resolve_asset_graph()
    assert touched(graph, dg.AssetKey("a")) == ["x", "y"]
    assert touched(graph, dg.AssetKey(["published", "other"])) == ["other"]
