"""One import of Great Expectations and one good world for all tests of the gates."""

from __future__ import annotations

import pytest

from data_quality.feeds import load_contracts
from data_quality.gx_duckdb import GxSession
from data_quality.runner import preload
from tests.unit.quality.world import World, build_world


@pytest.fixture(scope="session")
def contracts():
    return load_contracts()


@pytest.fixture(scope="session")
def good_world(tmp_path_factory) -> World:
    return build_world(tmp_path_factory.mktemp("quality") / "good")


@pytest.fixture(scope="module")
def shared_session():
    preload()
    with GxSession() as session:
        yield session


@pytest.fixture
def gx_session(shared_session):
    """The module's session, on which the test may attach a warehouse and open views."""
    yield shared_session
    shared_session.connection.execute("DETACH DATABASE IF EXISTS warehouse")
