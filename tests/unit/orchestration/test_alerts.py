"""Alerts reach a command, a local web server and a local mail server; secrets come from the environment alone."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestration.alerts import Alert, deliver
from orchestration.errors import AllocatorError
from orchestration.operations import Channels, Email, Webhook

ALERT = Alert("daily_run of 2024-03-06 failed: pos:\n no file landed.", "landing/pos", "have the feed delivered", "docs/runbooks/x.md")
LINE = "daily_run of 2024-03-06 failed: pos: no file landed. Where: landing/pos. To do: have the feed delivered. Runbook: docs/runbooks/x.md"


@pytest.fixture
def web():
    """A web server on loopback that keeps what it gets; answers 500 to paths that say so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers.get("Authorization"), json.loads(body)))
            self.send_response(500 if "broken" in self.path else 204)
            self.end_headers()

        def log_message(self, *_):
            pass

    got = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


@pytest.fixture
def mail():
    """A mail server on loopback that keeps the text of each mail (RFC 5321, as much as one client says)."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            for raw in self.rfile:
                word = raw[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                    got.append("".join(lines))
                said.append(raw.decode().strip())
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    got, said = [], []
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], got, said
    server.shutdown()
    server.server_close()


def _into(file) -> tuple[str, ...]:
    return (sys.executable, "-c", "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())", str(file))


def test_an_alert_is_one_line_whatever_failed():
    assert ALERT.line == LINE
    assert len(Alert("x" * 9000, "w", "d", "r").line) < 1700


def test_a_command_reads_the_line(tmp_path):
    assert deliver(Channels(command=_into(tmp_path / "told")), ALERT) == ["command"]
    assert (tmp_path / "told").read_text() == LINE + "\n"


def test_a_webhook_gets_the_line_as_json_with_the_token_of_the_environment(web, monkeypatch):
    url, got = web
    monkeypatch.setenv("OPS_TOKEN", "s3cret")
    monkeypatch.setenv("OPS_HOOK", f"{url}/secret-path")
    deliver(Channels(webhook=Webhook(url=f"{url}/hook", token_env="OPS_TOKEN")), ALERT)
    deliver(Channels(webhook=Webhook(url_env="OPS_HOOK")), ALERT)
    assert got == [("/hook", "Bearer s3cret", {"text": LINE}), ("/secret-path", None, {"text": LINE})]


def test_a_mail_reaches_every_recipient(mail):
    port, got, said = mail
    email = Email(host="127.0.0.1", port=port, sender="a@example.com", recipients=("b@example.com", "c@example.com"))
    assert deliver(Channels(email=email), ALERT) == ["email"]
    assert [line for line in said if line.lower().startswith("rcpt")] == ["rcpt TO:<b@example.com>", "rcpt TO:<c@example.com>"]
    [text] = got
    assert "Subject: allocator: daily_run of 2024-03-06 failed: pos: no file landed." in text
    assert "Runbook: docs/runbooks/x.md" in text.replace("=\r\n", "").replace("\r\n", "")


def test_a_channel_that_fails_does_not_keep_the_others_from_being_told(web, tmp_path):
    url, got = web
    channels = Channels(command=("false",), webhook=Webhook(url=f"{url}/broken"), email=None)
    with pytest.raises(AllocatorError) as caught:
        deliver(channels, ALERT)
    command, webhook = str(caught.value).splitlines()
    assert command.startswith("alerts.command of operations.yaml failed: false exited 1") and LINE in command
    assert webhook.startswith("alerts.webhook of operations.yaml failed: HTTPError: HTTP Error 500")
    assert [path for path, *_ in got] == ["/broken"]


def test_a_secret_that_is_not_set_is_named_and_nothing_is_sent(web, monkeypatch):
    url, got = web
    monkeypatch.delenv("OPS_TOKEN", raising=False)
    with pytest.raises(AllocatorError, match="the environment variable OPS_TOKEN is not set"):
        deliver(Channels(webhook=Webhook(url=url, token_env="OPS_TOKEN")), ALERT)
    assert got == []


def test_nothing_is_told_where_nothing_is_configured():
    assert deliver(Channels(), ALERT) == []
