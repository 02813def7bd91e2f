"""The contract of each landing feed: columns, types, key and rules, one YAML file per feed.

One truth per fact: reading, quarantine, expectations and dbt source documentation derive from these
files. `load_contracts` reads and validates them; every problem found is named in one `ContractError`.

A contract file has these keys:

- `feed`: name of the feed, equal to the file's stem.
- `kind`: `transaction` (a business date's new facts) or `master` (a full picture as of that date).
- `description`, `grain` (list of key columns, all required columns).
- `key_scope`: `window` (a key is unique across dates within `feeds.late_days`, semantics 10) or `date`
  (a key is unique within one business_date).
- `requires`: feeds whose ids the columns refer to; they must be taken in first.
- `columns`: list of `name`, `type` (str, int, num, date, ts, bool), `required`, `unit`, `min`, `max`
  (inclusive bounds), `nonzero` (with `min: 0` it means > 0), `enum`, `default` (stored where null),
  `references` (`items.sku_id` or `locations.location_id`), `description`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

# libyaml where it was built: the same values, nodes and lines, ten times as fast.
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CONTRACTS_DIR = Path(__file__).parent / "contracts"

SQL_TYPES = {
    "str": "VARCHAR",
    "int": "BIGINT",
    "num": "DECIMAL(18,6)",
    "date": "DATE",
    "ts": "TIMESTAMP",
    "bool": "BOOLEAN",
}
"""Contract type -> SQL type in the lake. `ts` is naive UTC; `num` holds money and quantities exactly."""

KINDS = ("transaction", "master")
KEY_SCOPES = ("window", "date")
REFERENCES = ("items.sku_id", "locations.location_id")
REFERENCED_FEEDS = ("locations", "items")

RESERVED_NAMES = frozenset(
    {"business_date", "source_file", "source_line", "posted_on", "load", "file_id", "faults", "origin"}
)
"""Column names that the lake and the take-in add themselves."""

_FEED_KEYS = {"feed", "kind", "description", "grain", "key_scope", "requires", "columns"}
_COLUMN_KEYS = {
    "name",
    "type",
    "required",
    "unit",
    "min",
    "max",
    "nonzero",
    "enum",
    "default",
    "references",
    "description",
}


class ContractError(ValueError):
    """A feed contract file does not validate; the message names every problem, one a line."""


@dataclass(frozen=True)
class Column:
    """One column of a feed; bounds are inclusive and in `unit`."""

    name: str
    type: str
    description: str
    required: bool = False
    unit: str | None = None
    min: int | float | None = None
    max: int | float | None = None
    nonzero: bool = False
    enum: tuple[str, ...] = ()
    default: Any = None
    references: str | None = None

    @property
    def sql_type(self) -> str:
        """Type of the column in the lake."""
        return SQL_TYPES[self.type]


@dataclass(frozen=True)
class FeedContract:
    """Contract of one feed. `grain` is its unique key, within `key_scope`."""

    feed: str
    kind: str
    description: str
    grain: tuple[str, ...]
    key_scope: str
    requires: tuple[str, ...]
    columns: tuple[Column, ...]

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Names of the contract columns, in contract order."""
        return tuple(c.name for c in self.columns)

    @cached_property
    def references(self) -> tuple[tuple[Column, str], ...]:
        """(column, referenced feed) for every column that must carry an id known to a master."""
        return tuple((c, c.references.split(".")[0]) for c in self.columns if c.references)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: the feed has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"feed {self.feed} has no column {name}")


def load_contracts(folder: Path | None = None) -> dict[str, FeedContract]:
    """All feed contracts by feed name: locations, items, then the others by name (take-in order).

    Args:
        folder: folder of `<feed>.yaml` files; default is the packaged one.

    Raises:
        ContractError: a file does not validate; every problem of every file is named.
    """
    problems: list[str] = []
    contracts: dict[str, FeedContract] = {}
    for path in sorted((folder or CONTRACTS_DIR).glob("*.yaml")):
        contract = _read_contract(path, problems)
        if contract is not None:
            contracts[contract.feed] = contract
    if problems:
        raise ContractError("\n".join(problems))
    return {name: contracts[name] for name in sorted(contracts, key=_take_in_order)}


def _take_in_order(feed: str) -> tuple[int, str]:
    rank = REFERENCED_FEEDS.index(feed) if feed in REFERENCED_FEEDS else len(REFERENCED_FEEDS)
    return rank, feed


def _read_contract(path: Path, problems: list[str]) -> FeedContract | None:
    """The contract in `path`, or None with what is wrong appended to `problems`."""
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=YAML_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.append(f"{path.name}: not valid YAML ({' '.join(str(error).split())})")
        return None
    found = _feed_problems(raw, path.stem) if isinstance(raw, dict) else ["is not a mapping of contract keys"]
    problems.extend(f"{path.name}: {problem}" for problem in found)
    if found:
        return None
    columns = tuple(Column(**{**c, "enum": tuple(c.get("enum", ()))}) for c in raw["columns"])
    return FeedContract(
        feed=raw["feed"],
        kind=raw["kind"],
        description=raw["description"],
        grain=tuple(raw["grain"]),
        key_scope=raw["key_scope"],
        requires=tuple(raw["requires"]),
        columns=columns,
    )


def _feed_problems(raw: dict[str, Any], stem: str) -> list[str]:
    missing = _FEED_KEYS - raw.keys()
    unknown = raw.keys() - _FEED_KEYS
    problems = [f"key {key} is missing" for key in sorted(missing)]
    problems += [f"unknown key {key}" for key in sorted(unknown, key=str)]
    if missing:
        return problems
    if raw["feed"] != stem:
        problems.append(f"feed is {raw['feed']!r}, the file name says {stem!r}")
    if raw["kind"] not in KINDS:
        problems.append(f"kind {raw['kind']!r} is none of {', '.join(KINDS)}")
    if raw["key_scope"] not in KEY_SCOPES:
        problems.append(f"key_scope {raw['key_scope']!r} is none of {', '.join(KEY_SCOPES)}")
    if not isinstance(raw["columns"], list) or not all(isinstance(c, dict) for c in raw["columns"]):
        return [*problems, "columns is not a list of mappings"]
    for column in raw["columns"]:
        problems += [f"column {column.get('name')}: {p}" for p in _column_problems(column)]
    return problems + _cross_problems(raw)


def _cross_problems(raw: dict[str, Any]) -> list[str]:
    """Problems between columns: repeated names, key columns, `requires` against `references`."""
    problems = []
    columns = {c.get("name"): c for c in raw["columns"]}
    if len(columns) != len(raw["columns"]):
        problems.append("a column name is repeated")
    if not raw["grain"]:
        problems.append("grain is empty")
    for name in raw["grain"] or ():
        if not columns.get(name, {}).get("required"):
            problems.append(f"grain column {name} is not a required column")
    referenced = {str(c["references"]).split(".")[0] for c in raw["columns"] if c.get("references")}
    if set(raw["requires"] or ()) != referenced:
        problems.append(f"requires must list the referenced feeds: {sorted(referenced)}")
    return problems


def _column_problems(column: dict[str, Any]) -> list[str]:
    problems = [f"unknown key {key}" for key in sorted(column.keys() - _COLUMN_KEYS, key=str)]
    name, kind = column.get("name"), column.get("type")
    if not isinstance(name, str) or not name.isidentifier() or name != name.lower():
        problems.append("name is not a lower-case identifier")
    if name in RESERVED_NAMES:
        problems.append("name is reserved for the lake")
    if kind not in SQL_TYPES:
        problems.append(f"type {kind!r} is none of {', '.join(SQL_TYPES)}")
    if not str(column.get("description") or "").strip():
        problems.append("description is missing")
    if kind in ("int", "num") and not column.get("unit"):
        problems.append("unit is missing")
    if kind not in ("int", "num") and {"min", "max", "nonzero"} & column.keys():
        problems.append("bounds need a column of type int or num")
    if "enum" in column and (kind != "str" or not column["enum"]):
        problems.append("enum needs a column of type str and at least one value")
    if column.get("references") not in (None, *REFERENCES):
        problems.append(f"references is none of {', '.join(REFERENCES)}")
    return problems
