"""Exit codes and one-line errors of the command (published.md, The command)."""

import json
import subprocess
import sys
from datetime import date

import pytest

from orchestration import cli
from orchestration.demo import _claim
from orchestration.lock import hold_home
from orchestration.settings import Home


def _run(capsys, *arguments):
    code = cli.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err.strip().splitlines()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "--date", "23/06/2024"),
        ("run", "--date", "2024-06-23", "--scenario", "bold"),
        ("quarantine", "--feed", "nonsense"),
        ("nonsense",),
    ],
)
def test_wrong_arguments_exit_2_with_one_line(capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.setenv("ALLOCATOR_HOME", str(tmp_path))
    code, _, lines = _run(capsys, *arguments)
    assert code == 2
    assert len(lines) == 1


def test_a_home_that_does_not_exist_exits_2(capsys, tmp_path):
    code, _, lines = _run(capsys, "status", "--home", str(tmp_path / "nowhere"))
    assert code == 2
    assert "does not exist" in lines[0]


def test_nothing_landed_exits_3_and_names_the_folders(capsys, tmp_path):
    """Semantics 3."""
    code, _, lines = _run(capsys, "run", "--date", "2024-06-23", "--home", str(tmp_path))
    assert code == 3
    assert f"{tmp_path}/landing/<feed>/business_date=2024-06-23" in lines[0]


def test_a_held_home_exits_4(tmp_path):
    (tmp_path / "landing").mkdir()
    with hold_home(Home.at(tmp_path), "somebody"):
        done = subprocess.run(
            [sys.executable, "-m", "orchestration.cli", "run", "--date", "2024-06-23", "--home", str(tmp_path)],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 4
    assert "somebody" in done.stderr


def test_a_broken_policy_exits_2_before_anything_else(capsys, tmp_path):
    (tmp_path / "landing").mkdir()
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.yaml").write_text(
        "version: 1\nrules:\n  - id: x\n    set:\n      costs.nonsense: 1\n"
    )
    code, _, lines = _run(capsys, "run", "--date", "2024-06-23", "--home", str(tmp_path))
    assert code == 2
    assert "mine.yaml" in lines[0] and "5" in lines[0]


def test_demo_refuses_a_home_with_other_content(capsys, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    code, _, lines = _run(capsys, "demo", "--home", str(tmp_path))
    assert code == 2
    assert "notes.txt" in lines[0]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_status_of_an_empty_home(capsys, tmp_path):
    code, out, _ = _run(capsys, "status", "--home", str(tmp_path))
    assert code == 0
    assert "nothing yet" in out and "never" in out


def test_explain_of_a_date_that_was_not_run_says_so(capsys, tmp_path):
    code, _, lines = _run(
        capsys, "explain", "--date", str(date(2024, 6, 23)), "--sku", "S", "--location", "L", "--home", str(tmp_path)
    )
    assert code == 3
    assert "is not a published run" in lines[0]


@pytest.mark.parametrize(("marker", "data"), [({}, "online-retail"), ({"data": "online-retail"}, "freshretail")])
def test_a_demo_home_keeps_to_its_data(capsys, tmp_path, marker, data):
    """A home made before there was a choice holds the default data."""
    home = Home.at(tmp_path)
    home.private.mkdir()
    home.demo_marker.write_text(json.dumps({"made_by": "allocator demo", **marker}))
    code, _, lines = _run(capsys, "demo", "--data", data, "--home", str(tmp_path))
    assert (code, len(lines)) == (2, 1)
    assert f"give --data {marker.get('data', 'freshretail')} or a fresh --home" in lines[0]
    assert not home.landing.exists()


def test_unknown_demo_data_exits_2(capsys, tmp_path):
    code, _, lines = _run(capsys, "demo", "--data", "nonsense", "--home", str(tmp_path))
    assert (code, len(lines)) == (2, 1)
    assert "online-retail" in lines[0]


@pytest.mark.parametrize("held", ["freshretail", "online-retail"])
def test_a_demo_home_is_resumed_without_naming_its_data(tmp_path, held):
    home = Home.at(tmp_path)
    assert _claim(home, held) == held
    assert _claim(home, None) == held


def test_a_fresh_demo_home_holds_the_default_data(tmp_path):
    assert _claim(Home.at(tmp_path), None) == "freshretail"
