"""The warehouses are built once for all tests of this folder."""

from __future__ import annotations

import pytest

from tests.dbt.inventory.building import Built, Query, query_of
from tests.support.shared import made_once


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(made_once(tmp_path_factory, "inventory", lambda folder: Built(folder).build()))


@pytest.fixture(scope="session")
def opened(built: Built) -> Query:
    """SQL on the deployment with a snapshot."""
    return query_of(built.warehouse("opened"))


@pytest.fixture(scope="session")
def unopened(built: Built) -> Query:
    """SQL on the deployment without one."""
    return query_of(built.warehouse("unopened"))
