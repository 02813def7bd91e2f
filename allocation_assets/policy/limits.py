"""The ladder of approval: which role may approve how much (`reconciliation.approval_limits`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

_LIMIT = re.compile(r"(?P<role>[^:]*[^:\s])\s*:\s*(?P<amount>\*|(?:0|[1-9]\d{0,11})(?:\.\d{1,6})?)")


def parse_limits(texts: Sequence[str]) -> tuple[tuple[str, Decimal | None], ...]:
    """(role, most money) of each `role:amount`, lowest first; None = without limit (`*`).

    Lists of the policy have no order of their own: the amounts give it. Raises ValueError, one line, for a text of
    another shape, a role or an amount that stands twice, and an empty ladder.
    """
    if not texts:
        raise ValueError("no role may approve anything")
    ladder: dict[str, Decimal | None] = {}
    for text in texts:
        found = _LIMIT.fullmatch(text.strip())
        if not found:
            raise ValueError(f"{text!r} is no role:amount")
        role = found["role"].strip()
        if role in ladder:
            raise ValueError(f"role {role!r} stands twice")
        ladder[role] = None if found["amount"] == "*" else Decimal(found["amount"])
    if len(set(ladder.values())) < len(ladder):
        raise ValueError("two roles have the same amount, so neither is the higher one")
    return tuple(sorted(ladder.items(), key=lambda item: Decimal("Infinity") if item[1] is None else item[1]))
