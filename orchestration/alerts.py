"""Alerts: one line (what, where, what to do, runbook) handed to what the home's `operations.yaml` names. No Dagster."""

from __future__ import annotations

import json
import os
import smtplib
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

from orchestration.errors import AllocatorError
from orchestration.operations import Channels, Email, Webhook

TIMEOUT_SECONDS = 20
_LONGEST = 1500


@dataclass(frozen=True)
class Alert:
    """What failed, where, what to do first, and the runbook to follow."""

    what: str
    where: str
    to_do: str
    runbook: str

    @property
    def line(self) -> str:
        """The alert on one line, at most 1,500 characters of what failed."""
        what = " ".join(self.what.split())
        what = what if len(what) <= _LONGEST else what[:_LONGEST] + " ..."
        return f"{what.rstrip('.')}. Where: {self.where}. To do: {self.to_do}. Runbook: {self.runbook}"


def deliver(channels: Channels, alert: Alert) -> list[str]:
    """Hand the alert to every channel; returns the names of those that took it.

    A channel that fails does not keep the others from being told. AllocatorError with a line per channel that failed.
    """
    senders: dict[str, tuple[object, Callable[..., None]]] = {
        "command": (channels.command, _run),
        "webhook": (channels.webhook, _post),
        "email": (channels.email, _mail),
    }
    told, problems = [], []
    for name, (target, send) in senders.items():
        if target is None:
            continue
        try:
            send(target, alert)
            told.append(name)
        except (OSError, smtplib.SMTPException, subprocess.SubprocessError, AllocatorError) as error:
            problems.append(f"alerts.{name} of operations.yaml failed: {_reason(error)}; this was not told: {alert.line}")
    if problems:
        raise AllocatorError("\n".join(problems))
    return told


def _run(command: tuple[str, ...], alert: Alert) -> None:
    done = subprocess.run(command, input=alert.line + "\n", text=True, capture_output=True, timeout=TIMEOUT_SECONDS)
    if done.returncode:
        raise AllocatorError(f"{command[0]} exited {done.returncode}: {done.stderr.strip()[-300:]}")


def _post(webhook: Webhook, alert: Alert) -> None:
    headers = {"Content-Type": "application/json"}
    if webhook.token_env:
        headers["Authorization"] = f"Bearer {_secret(webhook.token_env)}"
    url = webhook.url or _secret(webhook.url_env or "")
    if not url.startswith(("https://", "http://")):
        raise AllocatorError(f"the variable {webhook.url_env} holds no http or https URL")
    request = urllib.request.Request(url, json.dumps({"text": alert.line}).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
        pass


def _mail(email: Email, alert: Alert) -> None:
    message = EmailMessage()
    message["Subject"] = f"allocator: {' '.join(alert.what.split())[:120]}"
    message["From"] = email.sender
    message["To"] = ", ".join(email.recipients)
    message.set_content(alert.line)
    password = _secret(email.password_env) if email.password_env else None
    with smtplib.SMTP(email.host, email.port, timeout=TIMEOUT_SECONDS) as server:
        if email.starttls:
            server.starttls()
        if email.user and password:
            server.login(email.user, password)
        server.send_message(message)


def _secret(variable: str) -> str:
    """The value of an environment variable, which is never printed."""
    value = os.environ.get(variable)
    if not value:
        raise AllocatorError(f"the environment variable {variable} is not set where `allocator ui` was started")
    return value


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()) if not isinstance(error, AllocatorError) else str(error)
