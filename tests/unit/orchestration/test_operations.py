"""operations.yaml: defaults without a file, what it may say, and a line per problem."""

import pytest

from orchestration import cli
from orchestration.errors import UsageError
from orchestration.operations import Webhook, read_operations
from orchestration.settings import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_without_a_file_nobody_is_told_and_a_day_and_a_half_is_stale(home):
    settings = read_operations(home)
    assert settings.alerts.is_empty
    assert settings.freshness.fail_window.total_seconds() == 36 * 3600


def test_what_is_written_is_read(home):
    home.operations.write_text("alerts:\n  command: [tell, --loud]\n  webhook: {url_env: HOOK}\nfreshness: {warn_hours: 176, fail_hours: 200}\n")
    settings = read_operations(home)
    assert settings.alerts.command == ("tell", "--loud")
    assert settings.alerts.webhook == Webhook(url_env="HOOK")
    assert settings.freshness.warn_window.total_seconds() == 176 * 3600


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alert: {}\n", "alert: Extra inputs are not permitted"),
        ("alerts: {webhook: {url: 'ftp://x'}}\n", "alerts.webhook.url: String should match"),
        ("alerts: {webhook: {}}\n", "alerts.webhook: Value error, give either url or url_env"),
        ("alerts: {command: []}\n", "alerts.command: Tuple should have at least 1 item"),
        ("alerts: {email: {host: h, sender: s, recipients: [r], user: u}}\n", "give user and password_env together"),
        ("freshness: {warn_hours: 40}\n", "freshness: Value error, warn_hours must be less than fail_hours"),
        ("alerts: [\n", "correct the YAML"),
        ("- a\n", "Input should be a valid dictionary"),
    ],
)
def test_each_problem_is_one_line_that_names_file_and_place(home, text, said):
    home.operations.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_operations(home)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"{home.operations}: ") and said in line


def test_a_password_in_the_file_is_refused(home):
    home.operations.write_text("alerts: {email: {host: h, sender: s, recipients: [r], user: u, password: p}}\n")
    with pytest.raises(UsageError, match=r"alerts\.email\.password: Extra inputs are not permitted"):
        read_operations(home)


def test_a_run_with_a_broken_file_exits_2(home, capsys):
    home.operations.write_text("alerts: {webhook: {}}\n")
    (home.landing / "pos" / "business_date=2024-03-04").mkdir(parents=True)
    (home.landing / "pos" / "business_date=2024-03-04" / "data.csv").write_text("transaction_id\n")
    assert cli.main(["run", "--date", "2024-03-04", "--home", str(home.root)]) == 2
    assert "operations.yaml: alerts.webhook" in capsys.readouterr().err
