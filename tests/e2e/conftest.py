"""Homes shared by the end-to-end tests of one worker; each test that changes one works on a copy."""

import shutil

import pytest

from tests.support import tiny_world
from tests.support.home import allocator


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory):
    """A tiny world with eight dates landed, the eighth run."""
    home = tmp_path_factory.mktemp("tiny") / "home"
    tiny_world.write_world(home / "landing", tiny_world.DATES[:8])
    allocator(home, "run", "--date", str(tiny_world.DATES[7]))
    return home


@pytest.fixture
def home(tiny_home, tmp_path):
    """A copy of the tiny home that a test may change."""
    copy = tmp_path / "home"
    shutil.copytree(tiny_home, copy)
    return copy


@pytest.fixture(scope="session")
def ninth_day(tiny_home, tmp_path_factory):
    """The tiny home with one more date landed and run, undisturbed."""
    copy = tmp_path_factory.mktemp("ninth") / "home"
    shutil.copytree(tiny_home, copy)
    tiny_world.write_day(copy / "landing", tiny_world.DATES[8])
    allocator(copy, "run", "--date", str(tiny_world.DATES[8]))
    return copy
