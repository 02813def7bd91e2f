"""`allocator report`: the review page and the workbook of a published date, written beside `published/`, never into it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from allocation_assets.reporting.picture import Picture, read_picture
from orchestration.dbt_parse import ensure_manifest
from orchestration.published_date import open_date
from orchestration.publishing.datasets import BY_NAME
from orchestration.settings import PROJECT_ROOT, Home

FOLDER = "reports"
RUNTIME = PROJECT_ROOT / ".cache"


def write_report(home: Home, day: date, *, is_weekly: bool = False) -> list[Path]:
    """Write page and workbook of a decided date; returns the files. LandedDataError where the date was not decided."""
    picture = read_date(home, day, is_weekly=is_weekly)
    return [write_page(home, picture), write_workbook(home, picture)]


def read_date(home: Home, day: date, *, is_weekly: bool = False) -> Picture:
    """The picture of a published date, with the definitions of the dbt docs."""
    with open_date(home.published, day) as connection:
        return read_picture(connection, day, is_weekly=is_weekly, definitions=column_docs())


def write_page(home: Home, picture: Picture) -> Path:
    """Write `reports/business_date=D/review.html` (`weekly_review.html`)."""
    from allocation_assets.reporting.page import render_page

    text = render_page(picture, chart_runtime())
    return _write(home, picture, "html", lambda path: path.write_text(text, encoding="utf-8"))


def write_workbook(home: Home, picture: Picture) -> Path:
    """Write `reports/business_date=D/review.xlsx` (`weekly_review.xlsx`)."""
    from allocation_assets.reporting.workbook import render_workbook

    return _write(home, picture, "xlsx", lambda path: render_workbook(picture, path))


def _write(home: Home, picture: Picture, suffix: str, render: Callable[[Path], Any]) -> Path:
    """A file that appears as a whole or not at all."""
    target = home.root / FOLDER / f"business_date={picture.day}" / f"{'weekly_' * picture.is_weekly}review.{suffix}"
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    render(part)
    part.replace(target)
    return target


@cache
def column_docs() -> dict[tuple[str, str], str]:
    """(dataset, column) to its description in the dbt docs."""
    manifest = json.loads(ensure_manifest().read_text())
    # A model stands before a source of the same name: it is what is published.
    nodes = [*manifest["sources"].values(), *(n for n in manifest["nodes"].values() if n["resource_type"] == "model")]
    return {
        (node["name"], column["name"]): " ".join(column["description"].split())
        for node in nodes
        if node["name"] in BY_NAME
        for column in node["columns"].values()
        if column["description"]
    }


def chart_runtime(folder: Path = RUNTIME) -> str:
    """The charts' script (Vega, Vega-Lite, Vega-Embed as vl-convert packs them), made once per release: it takes seconds."""
    name = f"charts-{version('vl-convert-python')}.js"
    kept = folder / name
    if not kept.exists():
        import vl_convert

        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            part = Path(scratch) / name
            part.write_text(vl_convert.javascript_bundle(), encoding="utf-8")
            part.replace(kept)
    return kept.read_text(encoding="utf-8")
