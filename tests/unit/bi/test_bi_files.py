"""The files of the three tools: Microsoft's schemas, LookML read back, names that need quoting, ids that stay."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import lkml
import pytest
from referencing import Registry, Resource

from allocation_assets.bi import looker, powerbi, tableau
from allocation_assets.bi.powerbi_report import PAGES
from allocation_assets.bi.semantics import DATE, Column, Filter, Metric, Semantics, Table

SCHEMAS = Path(__file__).resolve().parents[2] / "support" / "powerbi_schemas" / "fabric"
BASE = "https://developer.microsoft.com/json-schemas/fabric/"
#: Names that each tool has to quote in its own way.
AWKWARD = """It's 5" [net] a.b"""


def _table(name: str, label: str, *columns: Column, metrics: tuple[Metric, ...] = (), newest_by=None, links=None) -> Table:
    return Table(name, label, "Rows.", name, {"channel": "each"} if newest_by is None else {}, newest_by, columns, metrics, links or {})


def _metric(name: str, label: str, kind="simple", **values) -> Metric:
    return Metric(name, label, "What it is.", "units", "facts", kind, **{"agg": "sum", "expr": "units", **values} if kind == "simple" else values)


@pytest.fixture(scope="module")
def awkward() -> Semantics:
    """A fact and a dimension whose names and values are full of quotes and brackets."""
    metrics = (
        _metric("units_sum", AWKWARD, is_newest=True, where=Filter("channel", "<>", """o'r "x" """)),
        _metric("units_all", "All [units]"),
        _metric("share", "Share", "ratio", parts=("units_sum", "units_all")),
        _metric("rest", "Rest", "derived", expr="1 - share", parts=("share",)),
    )
    facts = _table(
        "facts", "Facts of 'a'",
        Column("location_id", "VARCHAR", "Location", "Where.", "key"), Column(DATE, "DATE", "Business date", "When.", "dimension"),
        Column("channel", "VARCHAR", "Channel's name", 'A "quoted" word.', "dimension"), Column("units", "BIGINT", "Units", "", "input"),
        metrics=metrics, links={"location_id": "places"},
    )  # fmt: skip
    places = _table("places", "Places", Column("location_id", "VARCHAR", "Location", "Where.", "key"), Column("area", "VARCHAR", "Area", "", "dimension"), newest_by="location_id")
    return Semantics((facts, places))


def test_power_bi_quotes_what_must_be_quoted(awkward, monkeypatch):
    monkeypatch.setattr(powerbi, "report_files", lambda semantics, project: {})
    files = powerbi.project_files(awkward, 'C:\\the "data"', {"facts"}, 7)
    text = files["Allocation.SemanticModel/definition/tables/Facts of 'a'.tmdl"]
    assert text.splitlines()[1] == "table 'Facts of ''a'''"
    assert (
        """\tmeasure 'It''s 5" [net] a.b' = VAR newest = CALCULATE(MAX('Facts of ''a'''[Business date]), REMOVEFILTERS('Facts of ''a'''), VALUES(Calendar[Date]))"""
        """ RETURN CALCULATE(SUM('Facts of ''a'''[units]), KEEPFILTERS('Facts of ''a'''[Business date] = newest), KEEPFILTERS('Facts of ''a'''[Channel's name] <> "o'r ""x"" "))\n"""
    ) in text
    assert """measure Share = DIVIDE([It's 5" [net]] a.b], [All [units]]])""" in text
    assert "measure Rest = 1 - [Share]" in text
    assert 'Published = PublishedRows("facts", DetailDates)' in text
    assert "relationship " in (ends := files["Allocation.SemanticModel/definition/relationships.tmdl"])
    assert "\tfromColumn: 'Facts of ''a'''.Location\n\ttoColumn: Places.Location\n" in ends
    assert 'expression PublishedFolder = "C:\\the ""data""" meta [' in files["Allocation.SemanticModel/definition/expressions.tmdl"]


def test_tmdl_is_indented_by_tabs_and_ids_are_one_each(awkward, monkeypatch):
    monkeypatch.setattr(powerbi, "report_files", lambda semantics, project: {})
    files = powerbi.project_files(awkward, "C:\\data", (), 7)
    tags = re.findall(r"lineageTag: (\S+)", "".join(files.values())) + re.findall(r"^relationship (\S+)", "".join(files.values()), re.M)
    assert len(set(tags)) == len(tags) > 15
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", tag) for tag in tags)
    for name, text in files.items():
        assert not name.endswith(".tmdl") or not re.search(r"^ +", text, re.M), name


def test_looker_quotes_and_reads_back(awkward):
    files = looker.project_files(awkward)
    [view] = lkml.load(files["views/facts.view.lkml"])["views"]
    assert view["dimensions"][1]["description"] == 'A \\"quoted\\" word.'
    sql = {measure["name"]: measure["sql"] for measure in view["measures"]}
    assert "CASE WHEN ${TABLE}.channel <> 'o''r \"x\" ' THEN ${TABLE}.units END" in sql["units_sum"]
    assert sql["share"] == "1.0 * ${units_sum} / NULLIF(${units_all}, 0)" and sql["rest"] == "1 - ${share}"
    assert view["derived_table"]["sql"] == "SELECT location_id, business_date, channel, units FROM @{SCHEMA}.facts WHERE channel <> '*'"
    for name, text in files.items():
        assert lkml.dump(lkml.load(text)) + "\n" == text, name


def test_looker_uses_keys_that_lookml_has(awkward):
    """lkml takes any key; these are the parameters of Looker's reference that we use."""
    known = {
        "view": {"name", "label", "sql_table_name", "derived_table", "dimensions", "dimension_groups", "measures"},
        "field": {"name", "primary_key", "hidden", "type", "label", "description", "sql", "timeframes", "convert_tz", "datatype", "value_format"},
        "explore": {"name", "label", "description", "joins"}, "join": {"name", "type", "relationship", "sql_on"},
    }  # fmt: skip
    files = looker.project_files(awkward)
    for name, text in files.items():
        for view in lkml.load(text).get("views", []):
            assert set(view) <= known["view"], name
            fields = [*view["dimensions"], *view.get("dimension_groups", []), *view.get("measures", [])]
            assert set().union(*fields) <= known["field"], name
            names = [field["name"] for field in fields]
            assert len(set(names)) == len(names), name
    explores = lkml.load(files["allocation.model.lkml"])["explores"]
    assert set().union(*explores) <= known["explore"] and set().union(*explores[0]["joins"]) <= known["join"]


def test_tableau_quotes_and_is_xml(awkward):
    [(name, text)] = tableau.source_files(awkward).items()
    root = ET.fromstring(text.split("\n", 1)[1])
    formulas = {c.get("caption"): c.find("calculation").get("formula") for c in root.iterfind("column[calculation]")}
    assert name == "Facts of 'a'.tds"
    assert formulas[AWKWARD] == """SUM(IF [channel] <> 'o\\'r "x" ' AND [business_date] = {FIXED : MAX([business_date])} THEN [units] END)"""
    assert formulas[AWKWARD + " by day"] == """SUM(IF [channel] <> 'o\\'r "x" ' THEN [units] END)"""
    assert formulas["Share"] == """[It's 5" [net]] a.b] / IIF([All [units]]] = 0, NULL, [All [units]]])"""
    assert formulas["Rest by day"] == "1 - [Share by day]"


def _registry() -> tuple[dict[str, dict], Registry]:
    by_id = {}
    for path in sorted(SCHEMAS.rglob("*.json")):
        uri = BASE + path.relative_to(SCHEMAS).as_posix()
        by_id[uri] = {**json.loads(path.read_text()), "$id": uri}
    return by_id, Registry().with_resources((uri, Resource.from_contents(schema)) for uri, schema in by_id.items())


def _problems(content: dict, by_id: dict[str, dict], registry: Registry) -> list[str]:
    return [error.message for error in jsonschema.Draft7Validator(by_id[content["$schema"]], registry=registry).iter_errors(content)]


@pytest.fixture(scope="module")
def real() -> Semantics:
    """The real semantic layer, every type a number where one is summed."""
    from allocation_assets.bi.semantics import read_semantics
    from orchestration.dbt_parse import ensure_manifest

    class _Any(dict):
        def __contains__(self, _):
            return True

        def __missing__(self, key):
            return "DATE" if key == DATE else "BIGINT"

    class _Datasets(dict):
        def get(self, _, default=None):
            return _Any()

    return read_semantics(json.loads(ensure_manifest().read_text()), _Datasets())


def test_the_project_is_valid_by_microsofts_schemas(real):
    by_id, registry = _registry()
    files = powerbi.project_files(real, "C:\\data", {"allocations"}, 35)
    checked = {name: json.loads(text) for name, text in files.items() if not name.endswith(".tmdl")}
    assert {name: found for name, content in checked.items() if (found := _problems(content, by_id, registry))} == {}
    assert len([name for name in checked if name.endswith("visual.json")]) == sum(len(page.cards) + len(page.charts) for page in PAGES)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("Allocation.pbip", lambda c: c.pop("artifacts")),
        ("Allocation.Report/definition.pbir", lambda c: c["datasetReference"].update(byFile={})),
        ("Allocation.Report/definition/pages/overview/page.json", lambda c: c.update(displayOption="Wide")),
        ("Allocation.Report/definition/pages/overview/visuals/card_net_sales/visual.json", lambda c: c["position"].pop("x")),
        ("Allocation.Report/definition/pages/overview/visuals/card_net_sales/visual.json",
         lambda c: c["visual"]["query"]["queryState"]["Values"]["projections"][0].update(field={"Measure": {"Property": "x"}, "Sum": 1})),
    ],
)  # fmt: skip
def test_the_schemas_refuse_what_is_wrong(real, file, change):
    by_id, registry = _registry()
    content = json.loads(powerbi.project_files(real, "C:\\data", (), 35)[file])
    change(content)
    assert _problems(content, by_id, registry)


def test_visuals_show_what_the_model_has_and_stay_on_the_page(real):
    files = powerbi.project_files(real, "C:\\data", (), 35)
    tables = {re.search(r"^table (.+)$", text, re.M)[1].strip("'"): text for name, text in files.items() if "/tables/" in name}
    for name, text in files.items():
        if name.endswith("visual.json"):
            visual = json.loads(text)
            box = visual["position"]
            assert box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 720, name
            for role in visual["visual"]["query"]["queryState"].values():
                for projection in role["projections"]:
                    [(kind, field)] = projection["field"].items()
                    owner = tables[field["Expression"]["SourceRef"]["Entity"]]
                    assert re.search(rf"^\t{kind.lower()} {re.escape(powerbi.tmdl_name(field['Property']))}( =|$)", owner, re.M), (name, field)


def test_types_that_no_tool_has_are_refused():
    assert powerbi.tmdl_type("DECIMAL(18,4)") == ("decimal", "Currency.Type")
    assert powerbi.tmdl_type("DECIMAL(28,6)") == ("double", "type number")
    with pytest.raises(ValueError, match="VARCHAR"):
        powerbi.tmdl_type("VARCHAR[]")
