"""Every kind of problem in a policy file, with its exact file and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from allocation_assets.policy import PolicyError, Problem, load_policy

HEAD = "version: 1\nrules:\n"


def one_rule(set_: str = "costs.shipment_per_line: 1", **fields: str) -> str:
    """A one-rule file: id on line 3, each field and then the parameter on a line of its own."""
    lines = [f"    {key}: {value}" for key, value in fields.items()]
    return "\n".join(["version: 1", "rules:", "  - id: r", *lines, f"    set: {{{set_}}}"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the file is empty; write version: 1 and rules: [], or delete the file"),
        ("# a note\n\n", "1: the file is empty; write version: 1 and rules: [], or delete the file"),
        ("- version: 1\n", "1: a policy file must be a mapping, not a list; write it as key: value lines"),
        ("hello\n", "1: a policy file must be a mapping, not 'hello'; write it as key: value lines"),
        ("\nrules: []\n", "2: version is missing; write version: 1 at the top"),
        ("rules: []\nversion: 2\n", "2: version is '2', this release reads 1; write version: 1"),
        ('version: "1"\nrules: []\n', "1: version is the text '1', this release reads 1; write version: 1"),
        ("version: 1.0\nrules: []\n", "1: version is '1.0', this release reads 1; write version: 1"),
        ("version: 1\n", "1: there are no rules; add rules: and a list of rules, or rules: []"),
        ("version: 1\nrules: {}\n", "2: rules must be a list, not a mapping; begin every rule with - id: ..."),
        ("version: 1\nrule: []\nrules: []\n", "2: unknown key 'rule' in a policy file; did you mean rules?"),
        ("version: 1\nversion: 1\nrules: []", "2: key 'version' is already used on line 1; keep one of them"),
        ("version: 1\n? [a]\n: 1\nrules: []", "2: a key of a policy file is a list; use one word as the key"),
        ("version: 1\nrules:\n\t- id: r\n", "3: a tab is used for indentation; indent with spaces"),
        (HEAD + "  - r\n", "3: a rule must be a mapping, not 'r'; write it as key: value lines"),
        (
            HEAD + "  - set: {costs.shipment_per_line: 1}\n",
            "3: a rule has no id; begin it with - id: a-name-of-its-own",
        ),
        (
            HEAD + "  - id:\n    set: {costs.shipment_per_line: 1}",
            "3: id must be text, not nothing; write one non-empty text",
        ),
        (HEAD + "  - id: r\n", "3: a rule sets nothing; add set: with at least one parameter"),
        (HEAD + "  - id: r\n    set: {}\n", "4: a rule sets nothing; add at least one parameter"),
        (HEAD + "  - id: r\n    set: [1]\n", "4: set must be a mapping, not a list; write it as key: value lines"),
    ],
)
def test_shape_of_a_file(problems_of, text, expected):
    assert problems_of(p=text) == [f"policies/p.yaml:{expected}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            one_rule(match="{regoin: North}"),
            "4: unknown key 'regoin' in match; did you mean region?",
        ),
        (one_rule(when="now"), "4: unknown key 'when' in a rule; use one of id, match, from, to, set"),
        (one_rule(match="[North]"), "4: match must be a mapping, not a list; write it as key: value lines"),
        (one_rule(match="{region: ~}"), "4: region must be text, not nothing; write one non-empty text"),
        (one_rule(match="{region: ''}"), "4: region must be text, not the text ''; write one non-empty text"),
        (one_rule(match="{region: []}"), "4: region lists no value; list at least one, or leave the key out"),
        (one_rule(match="{region: [A, {b: c}]}"), "4: region must be text, not a mapping; write one non-empty text"),
        (
            one_rule(match="{sku: A, sku: B}"),
            "4: key 'sku' is already used on line 4; keep one of them",
        ),
        (
            one_rule(**{"from": "2026-02-30"}),
            "4: from must be a date, not '2026-02-30'; write a calendar date as YYYY-MM-DD",
        ),
        (one_rule(to="20260230"), "4: to must be a date, not '20260230'; write a calendar date as YYYY-MM-DD"),
        (
            one_rule(to="2026-01-31", **{"from": "2026-02-01"}),
            "5: from 2026-02-01 is after to 2026-01-31; exchange or correct the dates",
        ),
        (
            one_rule("costs.lost_sales_per_unit: 1"),
            "4: unknown parameter 'costs.lost_sales_per_unit'; did you mean costs.lost_sale_per_unit?",
        ),
        (one_rule("zzz: 1"), "4: unknown parameter 'zzz'; see docs/policy.md for every parameter"),
        (
            one_rule("costs: {shipment_per_line: 1}"),
            "4: 'costs' is a group, not a parameter; write full names such as costs.holding_per_unit_day: ...",
        ),
        (one_rule("costs.shipment_per_line: "), "4: costs.shipment_per_line has no value; write a value, or null for the default"),
    ],
)  # fmt: skip
def test_shape_of_a_rule(problems_of, text, expected):
    assert problems_of(p=text) == [f"policies/p.yaml:{expected}"]


NUMBER = "must be a number (money per line), not"
A_NUMBER = "write a plain number such as 0.5"
A_WHOLE = "write a whole number such as 7"


@pytest.mark.parametrize(
    ("set_", "expected"),
    [
        ("costs.shipment_per_line: much", f"costs.shipment_per_line {NUMBER} 'much'; {A_NUMBER}"),
        ('costs.shipment_per_line: "1.5"', f"costs.shipment_per_line {NUMBER} the text '1.5'; {A_NUMBER}"),
        ("costs.shipment_per_line: [1]", f"costs.shipment_per_line {NUMBER} a list; {A_NUMBER}"),
        ("costs.shipment_per_line: .inf", f"costs.shipment_per_line {NUMBER} '.inf'; {A_NUMBER}"),
        ("costs.shipment_per_line: 1_000", f"costs.shipment_per_line {NUMBER} '1_000'; {A_NUMBER}"),
        ("costs.shipment_per_line: 010", f"costs.shipment_per_line {NUMBER} '010'; {A_NUMBER}"),
        ("costs.shipment_per_line: true", f"costs.shipment_per_line {NUMBER} 'true'; {A_NUMBER}"),
        (
            "costs.shipment_per_line: -0.01",
            "costs.shipment_per_line is -0.01, below its minimum 0; set 0 to 1000000 (money per line)",
        ),
        (
            "costs.shipment_per_line: 1e999",
            "costs.shipment_per_line is 1e999, above its maximum 1000000; set 0 to 1000000 (money per line)",
        ),
        (
            "service.target_a: 0.99995",
            "service.target_a is 0.99995, above its maximum 0.9999; set 0.5 to 0.9999 (share of demand served)",
        ),
        ("feeds.late_days: 35.0", f"feeds.late_days must be a whole number (days), not '35.0'; {A_WHOLE}"),
        ("feeds.late_days: 3651", "feeds.late_days is 3651, above its maximum 3650; set 0 to 3650 (days)"),
        ("calendar.period: weekly", "calendar.period cannot be 'weekly'; did you mean week?"),
        ("calendar.period: [week]", "calendar.period must be one text (period), not a list; write one of its values"),
        ("feeds.pos.expected: daily", "feeds.pos.expected cannot be 'daily'; use one of every_date, period_end, never"),
        (
            "calendar.timezone: Europe/Berln",
            "calendar.timezone is 'Europe/Berln', no known time zone; write one such as Europe/Berlin",
        ),
        (
            "allocation.release_time: 9:30",
            "allocation.release_time is '9:30', no time of day; write one such as 14:00, with two digits each",
        ),
        ("calendar.timezone: {}", "calendar.timezone must be text (IANA time zone), not a mapping; write one text"),
        ("allocation.review_days: [mon]", "allocation.review_days cannot be 'mon'; did you mean MON?"),
        (
            "allocation.review_days: MON",
            "allocation.review_days must be a list of weekdays (weekdays), not 'MON'; write a list such as [MON, THU]",
        ),
        (
            "feeds.not_merchandise: BANK",
            "feeds.not_merchandise must be a list of text (patterns of sku_id), not 'BANK'; "
            'write a list such as ["BANK*", POSTAGE]',
        ),
        (
            "feeds.not_merchandise: ['re:(', POST]",
            "feeds.not_merchandise has 're:(', no regular expression (missing ), unterminated subpattern); "
            "correct it, or write a glob such as BANK*",
        ),
        (
            "feeds.not_merchandise: [~]",
            "feeds.not_merchandise must be text, not nothing; write one non-empty text",
        ),
    ],
)
def test_type_and_bounds_of_a_value(problems_of, set_, expected):
    assert problems_of(p=one_rule(set_)) == [f"policies/p.yaml:4: {expected}"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version: 1\nrules: [\n  {id: r}\n", 4),
        ("version: 1\nrules:\n  - id: 'r\n", 4),
        ("version: 1\nrules: *nothing\n", 2),
        ("version: 1\n---\nversion: 1\n", 2),
        ("version: 1\nrules: [] ]\n", 2),
    ],
)
def test_yaml_syntax_names_the_line(problems_of, text, line):
    (problem,) = problems_of(p=text)
    assert problem.startswith(f"policies/p.yaml:{line}: not valid YAML: ")


def test_every_problem_of_every_file_is_collected_in_order(problems_of):
    first = """\
        version: 1
        rules:
          - id: base
            match: {sku: A, colour: red}
            from: yesterday
            set:
              costs.shipment_per_line: -1
              service.target_a: high
              nothing.known: 1
          - id: other
            mach: {}
            set: {costs.shipment_per_line: 1}
    """
    assert [line.split(";")[0] for line in problems_of(b=first, a="rules: []\n", c=b"version: 1 # \xff")] == [
        "policies/a.yaml:1: version is missing",
        "policies/b.yaml:4: unknown key 'colour' in match",
        "policies/b.yaml:5: from must be a date, not 'yesterday'",
        "policies/b.yaml:7: costs.shipment_per_line is -1, below its minimum 0",
        "policies/b.yaml:8: service.target_a must be a number (share of demand served), not 'high'",
        "policies/b.yaml:9: unknown parameter 'nothing.known'",
        "policies/b.yaml:11: unknown key 'mach' in a rule",
        "policies/c.yaml:1: the file is not UTF-8",
    ]


def test_problems_are_structured(write_policies):
    with pytest.raises(PolicyError) as caught:
        load_policy(write_policies(p="version: 1\n"))
    assert caught.value.problems == [
        Problem("policies/p.yaml", 1, "there are no rules", "add rules: and a list of rules, or rules: []")
    ]


def test_rule_ids_are_unique_across_files_and_default_is_reserved(problems_of):
    reserved = one_rule().replace("id: r", "id: default")
    assert problems_of(a=one_rule(match="{sku: A}"), b="# comment\n" + one_rule(match="{sku: B}"), c=reserved) == [
        "policies/b.yaml:4: rule id 'r' is already used at policies/a.yaml:3; give every rule its own id",
        "policies/c.yaml:3: rule id 'default' is reserved for declared defaults; use another id",
    ]


def test_equally_specific_rules_for_one_pair_are_named_at_both_lines(problems_of):
    a = one_rule("costs.shipment_per_line: 1", match="{sku: [A, B], region: N}").replace("id: r", "id: one")
    b = one_rule("costs.shipment_per_line: 1", match="{sku: [B, C], region: N}").replace("id: r", "id: two")
    assert problems_of(a=a, b=b) == [
        "policies/b.yaml:5: costs.shipment_per_line is set as specifically by rule 'one' at policies/a.yaml:5; "
        "remove one, or narrow one by match or dates"
    ]


@pytest.mark.parametrize(
    "other",
    [
        one_rule(match="{sku: [C, D], region: N}"),  # no SKU in common
        one_rule(match="{sku: [A, B], region: S}"),  # no region in common
        one_rule(match="{sku: [A, B, C], region: N}"),  # lists more
        one_rule(match="{sku: [A, B], tier: N}"),  # another key
        one_rule(match="{sku: [A, B], region: N}", to="2026-12-31"),  # ends sooner
        one_rule("costs.holding_per_unit_day: 1", match="{sku: [A, B], region: N}"),  # another parameter
    ],
)
def test_rules_that_an_order_keeps_apart_are_no_conflict(policy_of, other):
    first = one_rule(match="{sku: [A, B], region: N}").replace("id: r", "id: one")
    assert len(policy_of(a=first, b=other).rules) == 2


def test_equal_rules_without_match_conflict_too(problems_of):
    two = one_rule("feeds.late_days: 40") + "\n  - id: s\n    set:\n      feeds.late_days: 41\n"
    assert [line.split(";")[0] for line in problems_of(p=two)] == [
        "policies/p.yaml:7: feeds.late_days is set as specifically by rule 'r' at policies/p.yaml:4"
    ]


def test_a_matched_rule_cannot_give_a_deployment_parameter_a_second_value(problems_of):
    """Semantics 7: calendar.period is one value for the deployment."""
    assert problems_of(p=one_rule("calendar.period: week", match="{region: North, sku: A}")) == [
        "policies/p.yaml:5: calendar.period has one value for the whole deployment, but rule 'r' matches sku, region; "
        "set it in a rule with an empty match"
    ]


@pytest.mark.parametrize(
    ("period", "dates", "is_sound"),
    [("week", "from: 2026-07-01", True), ("week", "from: 2026-06-30", False), ("day", "to: 2026-06-30", True),
     ("day", "to: 2026-07-01", False), ("day", "from: 2026-07-01", False), ("~", "to: 2026-06-30", True),
     ("~", "to: 2026-07-01", False)],
)  # fmt: skip
def test_a_matched_rule_may_repeat_the_deployments_value_while_it_holds(policy_of, period, dates, is_sound):
    deployment = one_rule("calendar.period: week", **{"from": "2026-07-01"})
    matched = f"{HEAD}  - id: m\n    match: {{region: North}}\n    {dates}\n    set: {{calendar.period: {period}}}\n"
    if is_sound:
        assert policy_of(a=deployment, b=matched).deployment(date(2026, 7, 1))["calendar.period"] == "week"
    else:
        with pytest.raises(PolicyError):
            policy_of(a=deployment, b=matched)


def test_a_matched_rule_may_not_outlive_the_value_that_it_repeats(policy_of):
    """The deployment is by the week to 30 June; on 1 July the matched rule would give a second value."""
    weekly = one_rule("calendar.period: week", to="2026-06-30")
    matched = (
        f"{HEAD}  - {{id: m, match: {{region: N}}, from: 2026-06-30, to: 2026-06-30, set: {{calendar.period: week}}}}"
    )
    assert len(policy_of(a=weekly, b=matched).rules) == 2
    with pytest.raises(PolicyError, match="one value for the whole deployment"):
        policy_of(a=weekly, b=matched.replace("to: 2026-06-30", "to: 2026-07-01"))


def test_two_rules_that_repeat_the_deployments_value_are_no_conflict(policy_of):
    text = one_rule("calendar.period: day", match="{region: North}")
    assert len(policy_of(a=text, b=text.replace("id: r", "id: s")).rules) == 2


@pytest.mark.parametrize("value", [0.5, 0.9999])
def test_bounds_are_inclusive(policy_of, value):
    assert policy_of(p=one_rule(f"service.target_a: {value}")).rules[0].values == {"service.target_a": value}


def test_the_example_of_the_landing_contract_loads_as_written(policy_of):
    """landing.md, Policy files, verbatim: it repeats calendar.period in a matched rule."""
    policy = policy_of(
        contract="""\
        version: 1
        rules:
          - id: cold-chain-north            # unique, shown as rule_id on every decision that it shaped
            match: {region: North, department: Dairy}   # any of: sku, style, department, class, subclass, brand, supplier, lifecycle, season, segment,
                                                        # location, location_type, cluster, region, channel, tier; empty = everything
            from: 2026-01-01                # effective dates, both optional
            to: 2026-12-31
            set:
              costs.lost_sale_per_unit: 1.0           # money per unit of demand not served; default: unit_price - unit_cost
              costs.holding_per_unit_day: 0.004       # money per unit on hand per day; default: unit_cost * 0.25 / 365
              costs.shipment_per_line: 0.0            # handling per SKU x location line shipped; default 0
              calendar.period: day                    # or week: how demand is recorded
              replenishment.review_days: [SUN]        # days on which supplier orders are decided; default: every day
              allocation.review_days: [MON, THU]      # days on which the DC allocates; default: every day on which a lane ships
              allocation.hold_back_rate: 0.0          # share of DC stock kept for later; default: decided by value
              allocation.priority_weight: 1.0         # multiplies the value of a unit sold (channel, key account)
        """
    )
    (rule,) = policy.rules
    assert (rule.id, rule.match) == ("cold-chain-north", {"department": ("Dairy",), "region": ("North",)})
    assert (rule.start, rule.end) == (date(2026, 1, 1), date(2026, 12, 31))
    assert rule.values == {
        "costs.lost_sale_per_unit": 1.0,
        "costs.holding_per_unit_day": 0.004,
        "costs.shipment_per_line": 0.0,
        "calendar.period": "day",
        "replenishment.review_days": ("SUN",),
        "allocation.review_days": ("MON", "THU"),
        "allocation.hold_back_rate": 0.0,
        "allocation.priority_weight": 1.0,
    }


def test_text_is_taken_as_written_and_lists_in_canonical_form(policy_of):
    policy = policy_of(
        p=b"\xef\xbb\xbf"
        + one_rule(
            'feeds.not_merchandise: [POST, "BANK*", POST]', match="", **{"from": "'2026-01-01'", "to": "~"}
        ).encode(),
        q=one_rule(
            "allocation.review_days: [THU, MON, MON]", match="{sku: [007, NO, 7], location: 2026-01-01}"
        ).replace("id: r", "id: 1"),
    )
    matched, plain = sorted(policy.rules, key=lambda rule: rule.id)
    assert matched.match == {"sku": ("007", "7", "NO"), "location": ("2026-01-01",)}
    assert (matched.id, matched.values) == ("1", {"allocation.review_days": ("MON", "THU")})
    assert (plain.start, plain.end, plain.match) == (date(2026, 1, 1), None, {})
    assert plain.values == {"feeds.not_merchandise": ("BANK*", "POST")}


def test_files_read_are_the_visible_yaml_files(write_policies, tmp_path: Path):
    folder = write_policies(p=one_rule())
    (folder / ".hidden.yaml").write_text("not a policy")
    (folder / "notes.txt").write_text("not a policy")
    assert [rule.id for rule in load_policy(folder).rules] == ["r"]
    (folder / "q.yml").write_text(one_rule())
    (folder / "z.yaml").mkdir()
    with pytest.raises(PolicyError) as caught:
        load_policy(folder)
    assert str(caught.value).splitlines() == [
        "policies/q.yml:1: only *.yaml is read; rename the file to .yaml, or move it away",
        "policies/z.yaml:1: cannot be read: Is a directory; make it a readable file",
    ]
    with pytest.raises(PolicyError, match=r"p\.yaml:1: this is not a folder"):
        load_policy(folder / "p.yaml")
    assert load_policy(tmp_path / "absent").rules == load_policy(None).rules == load_policy().rules == ()


def test_rules_may_be_empty(policy_of):
    assert policy_of(p="version: 1\nrules:\n").rules == policy_of(p="version: 1\nrules: []\n").rules == ()
