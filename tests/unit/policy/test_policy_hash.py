"""Policy.hash: what the policy means, not how it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allocation_assets.policy import Policy, load_parameters, load_policy

ONE = """\
version: 1
rules:
  - id: one
    match: {region: North, sku: [A, B]}
    from: 2026-01-01
    set: {costs.shipment_per_line: 1.5, allocation.review_days: [MON, THU]}
  - id: two
    set: {feeds.late_days: 40}
"""
# The same two rules in two files, in another order, notation and layout.
REWRITTEN = {
    "a": "# comment\nrules:\n- set:\n    feeds.late_days: 40\n  match: {}\n  to: ~\n  id: 'two'\nversion: 1\n",
    "b": """\
rules:
  - set:
      allocation.review_days: [THU, MON, THU]   # twice
      costs.shipment_per_line: 15.0e-1
    match:
      sku:
        - B
        - "A"
        - A
      region: [North]
    "from": "2026-01-01"
    id: one
version: 1
""",
}


def test_the_hash_does_not_depend_on_files_order_layout_or_comments(policy_of):
    hashes = {
        policy_of(p=ONE).hash,
        policy_of(**REWRITTEN).hash,
        policy_of(z=REWRITTEN["a"], y=REWRITTEN["b"]).hash,
        policy_of(p=ONE, empty="version: 1\nrules: []\n").hash,
    }
    assert len(hashes) == 1
    assert len(hashes.pop()) == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1.5", "1.6"),
        ("1.5", "null"),
        ("40", "41"),
        ("THU", "FRI"),
        ("[A, B]", "[A]"),
        ("region", "tier"),
        ("North", "South"),
        ("id: two", "id: three"),
        ("from: 2026-01-01", "from: 2026-01-02"),
        ("from: 2026-01-01", "to: 2026-01-01"),
    ],
)
def test_the_hash_changes_with_what_the_policy_means(policy_of, old, new):
    assert policy_of(p=ONE.replace(old, new)).hash != policy_of(p=ONE).hash


def test_the_hash_covers_declared_defaults_but_not_their_help():
    plain = load_policy()
    parameter = load_parameters()["demand.window_days"]

    def changed(**fields) -> str:
        return Policy(dict(load_parameters()) | {parameter.name: replace(parameter, **fields)}, ()).hash

    assert changed() == plain.hash == changed(help="other words")
    assert changed(default=57) != plain.hash
