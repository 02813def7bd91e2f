"""The ladder of approval: what it means, and how a wrong one is told at load."""

from __future__ import annotations

from decimal import Decimal

import pytest

from allocation_assets.policy import PolicyError, load_policy
from allocation_assets.policy.limits import parse_limits


def test_the_amounts_give_the_order():
    assert parse_limits(["director:*", "clerk: 10.5", "store manager :500"]) == (
        ("clerk", Decimal("10.5")),
        ("store manager", Decimal(500)),
        ("director", None),
    )


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "no role may approve anything"),
        (["clerk"], "'clerk' is no role:amount"),
        (["clerk:-5"], "'clerk:-5' is no role:amount"),
        (["clerk:1e9"], "is no role:amount"),
        ([":5"], "is no role:amount"),
        (["clerk:5", "clerk:6"], "role 'clerk' stands twice"),
        (["clerk:5", "boss:5.0"], "two roles have the same amount"),
        (["clerk:*", "boss:*"], "two roles have the same amount"),
    ],
)
def test_what_is_no_ladder(texts, said):
    with pytest.raises(ValueError, match=said.replace("*", r"\*")) as caught:
        parse_limits(texts)
    assert "\n" not in str(caught.value)


def test_a_wrong_ladder_stops_the_policy_in_one_line(tmp_path):
    text = "version: 1\nrules:\n  - id: a\n    set:\n      reconciliation.approval_limits: [clerk:5, boss:5]\n"
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path.name}/a.yaml:5: reconciliation.approval_limits: two roles have the same amount, so neither is the "
        "higher one; write a list such as [store_manager:500, director:*]"
    )
