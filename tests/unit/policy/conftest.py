"""Policy files written from text, as a deployment's policies folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from allocation_assets.policy import Policy, PolicyError, load_policy


@pytest.fixture
def write_policies(tmp_path: Path) -> Callable[..., Path]:
    """Write files (`name=text`, `__` in a name stands for a dash) into a fresh policies folder; returns the folder."""

    def write(**texts: str | bytes) -> Path:
        folder = tmp_path / f"home{len(list(tmp_path.iterdir()))}" / "policies"
        folder.mkdir(parents=True)
        for name, text in texts.items():
            content = text if isinstance(text, bytes) else dedent(text).encode()
            (folder / f"{name.replace('__', '-')}.yaml").write_bytes(content)
        return folder

    return write


@pytest.fixture
def policy_of(write_policies: Callable[..., Path]) -> Callable[..., Policy]:
    """The policy of these files."""
    return lambda **texts: load_policy(write_policies(**texts))


@pytest.fixture
def problems_of(write_policies: Callable[..., Path]) -> Callable[..., list[str]]:
    """Every problem of these files, as the lines that a user reads."""

    def problems(**texts: str | bytes) -> list[str]:
        with pytest.raises(PolicyError) as caught:
            load_policy(write_policies(**texts))
        return str(caught.value).splitlines()

    return problems
