"""Page and workbook as assets: written after publish, from what was published alone."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from allocation_assets.reporting.topics import TOPICS
from orchestration.partitions import business_dates
from orchestration.publish import published_key
from orchestration.publishing.datasets import BY_NAME
from orchestration.report import FOLDER, read_date, write_page, write_workbook
from orchestration.resources import HomeResource

PAGE, WORKBOOK = dg.AssetKey([FOLDER, "review_page"]), dg.AssetKey([FOLDER, "review_workbook"])
_SHARED = {
    "deps": [published_key(name) for name in sorted({source for topic in TOPICS for source in topic.sources} & BY_NAME.keys())],
    "group_name": FOLDER,
    "owners": ["team:analytics"],
}
_SPECS = [
    dg.AssetSpec(PAGE, kinds={"html"}, description="`reports/business_date=D/review.html`: the day's review, one file that works offline.", **_SHARED),
    dg.AssetSpec(WORKBOOK, kinds={"excel"}, description="`reports/business_date=D/review.xlsx`: the same topics as named tables.", **_SHARED),
]  # fmt: skip


@dg.multi_asset(name="review", specs=_SPECS, partitions_def=business_dates)
def review(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
    """Write the daily page and workbook of the run's date."""
    session = home.session
    with session.stage("report"):
        picture = read_date(session.home, date.fromisoformat(context.partition_key))
        for key, write in ((PAGE, write_page), (WORKBOOK, write_workbook)):
            path = write(session.home, picture)
            facts = {"path": dg.MetadataValue.path(str(path)), "dagster/size_bytes": path.stat().st_size}
            yield dg.MaterializeResult(asset_key=key, metadata=facts)
