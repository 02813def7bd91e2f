"""A landing zone and a lake per test, copied from one that is built once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.intake.world import World, new_world


def _template(factory: pytest.TempPathFactory, with_masters: bool) -> Path:
    root = factory.mktemp("template")
    world = new_world(root)
    if with_masters:
        world.masters()
    return root


def _copy(template: Path, root: Path) -> World:
    # copytree keeps modification times, so that known files stay known.
    shutil.copytree(template, root, dirs_exist_ok=True)
    return World(root / "landing", root / "warehouse" / "lake")


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    built = {flag: _template(tmp_path_factory, flag) for flag in (False, True)}
    return built.__getitem__


@pytest.fixture
def bare(templates: Callable[[bool], Path], tmp_path: Path) -> World:
    """No master has landed yet."""
    return _copy(templates(False), tmp_path)


@pytest.fixture
def world(templates: Callable[[bool], Path], tmp_path: Path) -> World:
    """Masters know SKUs A and B, and locations DC1, S1 and S2."""
    return _copy(templates(True), tmp_path)
