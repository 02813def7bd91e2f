"""Homes shared by the end-to-end tests; each test that changes one works on a copy."""

import shutil

import pytest

from tests.support import tiny_world
from tests.support.busy_week import make_busy_week
from tests.support.home import allocator
from tests.support.shared import made_once


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory):
    """A tiny world with eight dates landed, the eighth run."""

    def make(folder):
        tiny_world.write_world(folder / "home" / "landing", tiny_world.DATES[:8])
        allocator(folder / "home", "run", "--date", str(tiny_world.DATES[7]))

    return made_once(tmp_path_factory, "tiny", make) / "home"


@pytest.fixture
def home(tiny_home, tmp_path):
    """A copy of the tiny home that a test may change."""
    copy = tmp_path / "home"
    shutil.copytree(tiny_home, copy)
    return copy


@pytest.fixture(scope="session")
def ninth_day(tmp_path_factory):
    """The tiny world with one more date, both run in one go from the start: what runs of each date must come to (semantics 5)."""

    def make(folder):
        tiny_world.write_world(folder / "home" / "landing", tiny_world.DATES[:9])
        allocator(folder / "home", "run", "--date", str(tiny_world.DATES[7]), "--through", str(tiny_world.DATES[8]))

    return made_once(tmp_path_factory, "ninth_day", make) / "home"


@pytest.fixture(scope="session")
def busy_week(tmp_path_factory):
    """Three dates with counts, approvals, budgets and a late supplier; nobody changes it."""
    return made_once(tmp_path_factory, "busy_week", lambda folder: make_busy_week(folder / "home")) / "home"
