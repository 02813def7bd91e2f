"""The small world of the review (tests/support/review_world.py): the file, and a copy of it that a test may change."""

import shutil

import duckdb
import pytest

from tests.support import review_world as world


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    return world.small_file(tmp_path_factory.mktemp("world") / "small.duckdb")


@pytest.fixture
def connection(template, tmp_path):
    with duckdb.connect(shutil.copy(template, tmp_path)) as opened:
        yield opened
