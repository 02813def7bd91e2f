"""What a home's optional `operations.yaml` says: who is told of a failure, and when published data counts as stale.

Not policy: nothing here changes a decision, so nothing here changes the hash of the policy. Without the file nobody is told
and nothing goes over the network. Secrets stand in environment variables that the file names. Reference: docs/operations.md.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.errors import UsageError
from orchestration.settings import Home

_Url = Annotated[str, Field(pattern=r"^https?://\S+$")]
_Name = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Webhook(_Section):
    """A URL that gets the line as JSON `{"text": line}`; `url_env` names the variable that holds a URL which is itself a secret.

    token_env: variable with a token, sent as `Authorization: Bearer`.
    """

    url: _Url | None = None
    url_env: _Name | None = None
    token_env: _Name | None = None

    @model_validator(mode="after")
    def _one_address(self) -> Webhook:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("give either url or url_env")
        return self


class Email(_Section):
    """A mail server and who gets the mail; `password_env` names the variable with the password of `user`."""

    host: _Name
    port: int = Field(default=25, ge=1, le=65535)
    starttls: bool = False
    sender: _Name
    recipients: Annotated[tuple[_Name, ...], Field(min_length=1)]
    user: _Name | None = None
    password_env: _Name | None = None

    @model_validator(mode="after")
    def _user_with_password(self) -> Email:
        if (self.user is None) != (self.password_env is None):
            raise ValueError("give user and password_env together")
        return self


class Channels(_Section):
    """Where alerts go; each is optional. `command` is started without a shell and reads the line from standard input."""

    command: Annotated[tuple[_Name, ...], Field(min_length=1)] | None = None
    webhook: Webhook | None = None
    email: Email | None = None

    @property
    def is_empty(self) -> bool:
        """True when nobody is told."""
        return not (self.command or self.webhook or self.email)


class Freshness(_Section):
    """Hours since a dataset was last published after which the UI warns, and after which it calls it stale."""

    warn_hours: float = Field(default=26, gt=0)
    fail_hours: float = Field(default=36, gt=0)

    @model_validator(mode="after")
    def _warns_first(self) -> Freshness:
        if self.warn_hours >= self.fail_hours:
            raise ValueError("warn_hours must be less than fail_hours")
        return self

    @property
    def warn_window(self) -> timedelta:
        """`warn_hours` as a duration."""
        return timedelta(hours=self.warn_hours)

    @property
    def fail_window(self) -> timedelta:
        """`fail_hours` as a duration."""
        return timedelta(hours=self.fail_hours)


class Operations(_Section):
    """All of `operations.yaml`. runbooks_url: where the folder docs/runbooks is served, so that runbooks are links."""

    alerts: Channels = Channels()
    freshness: Freshness = Freshness()
    runbooks_url: _Url | None = None


def read_operations(home: Home) -> Operations:
    """The home's operations settings, the defaults without a file; UsageError with a line per problem."""
    path = home.operations
    if not path.exists():
        return Operations()
    try:
        return Operations.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())}: correct the YAML (docs/operations.md)") from error
    except ValidationError as error:
        lines = [f"{path}: {_place(item['loc'])}{item['msg']}: see docs/operations.md" for item in error.errors(include_url=False)]
        raise UsageError("\n".join(lines)) from error


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) + ": " if location else ""
