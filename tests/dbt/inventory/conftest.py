"""The warehouses are built once for all tests of this folder."""

from __future__ import annotations

import pytest

from tests.dbt.inventory.building import Built, Query, query_of


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    made = Built(tmp_path_factory.mktemp("inventory"))
    made.build()
    return made


@pytest.fixture(scope="session")
def opened(built: Built) -> Query:
    """SQL on the deployment with a snapshot."""
    return query_of(built.warehouse("opened"))


@pytest.fixture(scope="session")
def unopened(built: Built) -> Query:
    """SQL on the deployment without one."""
    return query_of(built.warehouse("unopened"))
