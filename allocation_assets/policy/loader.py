"""Reading policy files: YAML nodes to validated rules, with every problem collected by file and line.

YAML is composed, never constructed: nodes keep their lines and the characters as written (see values.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from allocation_assets.policy.deployment import find_second_values
from allocation_assets.policy.policy import Policy
from allocation_assets.policy.problems import PolicyError, Problem
from allocation_assets.policy.rules import DEFAULT_RULE_ID, KEYS, Rule, find_conflicts, find_duplicate_ids, rank
from allocation_assets.policy.schema import Parameter, load_parameters
from allocation_assets.policy.values import (
    Fault,
    is_null,
    nearest,
    read_date,
    read_text,
    read_texts,
    read_value,
    shown,
)
from data_quality.feeds import YAML_LOADER

VERSION = "1"
PACKAGED = "default.yaml (packaged)"
_FILE_KEYS = ("version", "rules")
_RULE_KEYS = ("id", "match", "from", "to", "set")

Fields = dict[str, tuple[yaml.Node, yaml.Node]]


def load_policy(policies_dir: Path | None = None, *, parameters: Mapping[str, Parameter] | None = None) -> Policy:
    """The packaged default policy with the deployment's `policies_dir/*.yaml` layered over it.

    policies_dir: may be None or absent (packaged default alone). parameters: the schema, default the packaged one.
    PolicyError holds every problem of every file, by file and line (landing.md, Policy files).
    """
    parameters = load_parameters() if parameters is None else parameters
    readers, problems = [], []
    packaged = files(__package__).joinpath("default.yaml").read_bytes()
    for layer, file, content in [(0, PACKAGED, packaged), *_home_files(policies_dir, problems)]:
        readers.append(FileReader(file, layer, parameters))
        readers[-1].read(content)
    problems += [problem for reader in readers for problem in reader.problems]
    rules = [rule for reader in readers for rule in reader.rules]
    problems += find_duplicate_ids((id_, r.file, line) for r in readers for id_, line in r.ids)
    problems += find_conflicts(rules, parameters)
    ranked = rank(rules)
    problems += find_second_values(parameters, ranked)
    if problems:
        raise PolicyError(problems)
    return Policy(parameters, ranked)


def _home_files(policies_dir: Path | None, problems: list[Problem]) -> Iterator[tuple[int, str, bytes]]:
    """(layer, file as messages name it, content) of the deployment's files, by name; hidden files are not read."""
    if policies_dir is None or not policies_dir.exists():
        return
    if not policies_dir.is_dir():
        problems.append(Problem(policies_dir.name, 1, "this is not a folder", "make it a folder of policy files"))
        return
    for path in sorted(policies_dir.iterdir()):
        file = f"{policies_dir.name}/{path.name}"
        if path.name.startswith(".") or path.suffix not in (".yaml", ".yml"):
            continue
        if path.suffix == ".yml":
            problems.append(Problem(file, 1, "only *.yaml is read", "rename the file to .yaml, or move it away"))
            continue
        try:
            yield 1, file, path.read_bytes()
        except OSError as error:
            problems.append(Problem(file, 1, f"cannot be read: {error.strerror}", "make it a readable file"))


class FileReader:
    """Reads one policy file; afterwards `rules` holds the sound rules, `ids` all (id, line), `problems` the rest."""

    def __init__(self, file: str, layer: int, parameters: Mapping[str, Parameter]):
        self.file, self.layer, self.parameters = file, layer, parameters
        self.rules: list[Rule] = []
        self.ids: list[tuple[str, int]] = []
        self.problems: list[Problem] = []

    def read(self, content: bytes) -> None:
        """Collect the rules and problems of a file's bytes (UTF-8, a BOM is tolerated)."""
        root = self._compose(content)
        if root is None:
            return
        fields = self._fields(root, _FILE_KEYS, "a policy file")
        if fields is None or not self._version_fits(fields, root):
            return
        if "rules" not in fields:
            self._report(root, "there are no rules", "add rules: and a list of rules, or rules: []")
            return
        rules = fields["rules"][1]
        if is_null(rules):
            return
        if not isinstance(rules, yaml.SequenceNode):
            self._report(rules, f"rules must be a list, not {shown(rules)}", "begin every rule with - id: ...")
            return
        for node in rules.value:
            self._read_rule(node)

    def _report(self, where: yaml.Node | int, message: str, fix: str) -> None:
        line = where if isinstance(where, int) else where.start_mark.line + 1
        self.problems.append(Problem(self.file, line, message, fix))

    def _compose(self, content: bytes) -> yaml.Node | None:
        """The file's root node, or None after reporting why there is none."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self._report(line, "the file is not UTF-8", "save it as UTF-8")
            return None
        lines = enumerate(text.splitlines(), start=1)
        tabs = [number for number, line in lines if "\t" in line[: len(line) - len(line.lstrip())]]
        for number in tabs:
            self._report(number, "a tab is used for indentation", "indent with spaces")
        if tabs:
            return None
        try:
            root = yaml.compose(text, Loader=YAML_LOADER)
        except yaml.YAMLError as error:
            self._report_syntax(error)
            return None
        if root is None:
            self._report(1, "the file is empty", "write version: 1 and rules: [], or delete the file")
        return root

    def _report_syntax(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        what = " ".join(str(getattr(error, "problem", None) or getattr(error, "reason", error)).split())
        self._report(mark.line + 1 if mark else 1, f"not valid YAML: {what}", "correct this line or the one above")

    def _fields(self, node: yaml.Node, allowed: tuple[str, ...] | None, what: str) -> Fields | None:
        """The (key, value) nodes of a mapping by key; keys outside `allowed` (None = any) are reported and left out.

        None, after reporting, where the node is no mapping.
        """
        if not isinstance(node, yaml.MappingNode):
            self._report(node, f"{what} must be a mapping, not {shown(node)}", "write it as key: value lines")
            return None
        fields: Fields = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._report(key, f"a key of {what} is {shown(key)}", "use one word as the key")
            elif key.value in fields:
                first = fields[key.value][0].start_mark.line + 1
                self._report(key, f"key {key.value!r} is already used on line {first}", "keep one of them")
            elif allowed is not None and key.value not in allowed:
                self._report(key, f"unknown key {key.value!r} in {what}", nearest(key.value, allowed))
            else:
                fields[key.value] = (key, value)
        return fields

    def _version_fits(self, fields: Fields, root: yaml.Node) -> bool:
        """False where the file says another version: its shape is then unknown, and reading on would mislead."""
        if "version" not in fields:
            self._report(root, "version is missing", f"write version: {VERSION} at the top")
            return True
        node = fields["version"][1]
        if isinstance(node, yaml.ScalarNode) and not node.style and node.value == VERSION:
            return True
        self._report(node, f"version is {shown(node)}, this release reads {VERSION}", f"write version: {VERSION}")
        return False

    def _read_rule(self, node: yaml.Node) -> None:
        """Add one rule to `rules` where everything in it is sound."""
        known = len(self.problems)
        fields = self._fields(node, _RULE_KEYS, "a rule")
        if fields is None:
            return
        id_ = self._read_id(fields, node)
        match = self._read_match(fields)
        start, end = (self._read_field(fields, key, read_date) for key in ("from", "to"))
        if start and end and start > end:
            self._report(fields["from"][1], f"from {start} is after to {end}", "exchange or correct the dates")
        values, lines = self._read_set(fields, node)
        if len(self.problems) == known:
            line = node.start_mark.line + 1
            self.rules.append(Rule(id_, match, values, start, end, self.layer, self.file, line, lines))

    def _read_field(self, fields: Fields, key: str, read: Any) -> Any:
        """A field through `read(node, what)`, or None where it is absent or faulty (then reported)."""
        if key not in fields:
            return None
        try:
            return read(fields[key][1], key)
        except Fault as fault:
            self._report(fault.node, fault.message, fault.fix)
            return None

    def _read_id(self, fields: Fields, rule: yaml.Node) -> str:
        id_ = self._read_field(fields, "id", read_text)
        if "id" not in fields:
            self._report(rule, "a rule has no id", "begin it with - id: a-name-of-its-own")
        elif id_ == DEFAULT_RULE_ID:
            self._report(fields["id"][1], "rule id 'default' is reserved for declared defaults", "use another id")
        elif id_ is not None:
            self.ids.append((id_, fields["id"][1].start_mark.line + 1))
        return id_ or ""

    def _read_match(self, rule: Fields) -> dict[str, tuple[str, ...]]:
        """Match values by key, in the order of KEYS; empty = everything."""
        if "match" not in rule or is_null(rule["match"][1]):
            return {}
        fields = self._fields(rule["match"][1], KEYS, "match") or {}
        return {key: self._read_field(fields, key, read_texts) for key in KEYS if key in fields}

    def _read_set(self, rule: Fields, node: yaml.Node) -> tuple[dict[str, Any], dict[str, int]]:
        """Values by parameter, and the line of each."""
        if "set" not in rule:
            self._report(node, "a rule sets nothing", "add set: with at least one parameter")
            return {}, {}
        fields = self._fields(rule["set"][1], None, "set")
        if fields is not None and not rule["set"][1].value:
            self._report(rule["set"][0], "a rule sets nothing", "add at least one parameter")
        values, lines = {}, {}
        for name, (key, value) in (fields or {}).items():
            try:
                values[name] = read_value(self._declared(name, key), value)
                lines[name] = key.start_mark.line + 1
            except Fault as fault:
                self._report(fault.node, fault.message, fault.fix)
        return values, lines

    def _declared(self, name: str, key: yaml.Node) -> Parameter:
        """The parameter of that name; Fault with the closest name otherwise."""
        if name in self.parameters:
            return self.parameters[name]
        group = [known for known in self.parameters if known.startswith(f"{name}.")]
        if group:
            raise Fault(key, f"{name!r} is a group, not a parameter", f"write full names such as {group[0]}: ...")
        close = nearest(name, list(self.parameters))
        fix = close if close.startswith("did you") else "see docs/policy.md for every parameter"
        raise Fault(key, f"unknown parameter {name!r}", fix)
