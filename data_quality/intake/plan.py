"""Which files of a feed have to be read: new bytes, copies of known bytes, and refused files now vouched for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from data_quality.intake.accounting import AccountingRow, TouchedFiles, recorded_name
from data_quality.intake.fingerprint import ZERO_BYTES, sha256_of, text_facts, with_unix_lines
from data_quality.intake.landing import MANIFEST, Manifest, date_folders, list_folder, read_manifest
from data_quality.intake.model import Arrival, LandedFile


@dataclass
class Plan:
    """What a take-in has to do.

    `fresh`: files to read. `copies`: (file, the known or fresh file whose bytes it repeats). `retaken`:
    earlier records of refused files that are among `fresh` again. `problems`: one line each.
    """

    fresh: list[LandedFile] = field(default_factory=list)
    copies: list[tuple[LandedFile, AccountingRow | LandedFile]] = field(default_factory=list)
    retaken: list[AccountingRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    manifests: dict[date, Manifest] = field(default_factory=dict)


def plan_files(
    landing: Path, feed: str, run_date: date, known: list[AccountingRow], touched: TouchedFiles, scratch: Path
) -> Plan:
    """Compare what stands in the folders up to the run's date with what was taken in (semantics 8, 9).

    Known files are recognized by name, size and modification time and are not hashed again. `scratch` is
    a folder for copies with uniform line ends.
    """
    plan = Plan()
    sorter = _Sorter(plan, known, touched, scratch)
    folders, misnamed = date_folders(landing, feed)
    plan.problems += [f"folder {name} carries no ISO date, not read" for name in misnamed]
    for day, folder in folders:
        if day > run_date:
            break
        arrivals, strangers = list_folder(day, folder)
        seen = len(plan.fresh) + len(plan.copies)
        for arrival in arrivals:
            sorter.sort(arrival)
        if len(plan.fresh) + len(plan.copies) > seen or day == run_date:
            plan.problems += [f"{day} {name}: not .parquet, .csv or .csv.gz, not read" for name in strangers]
            plan.problems += _manifest_problems(day, arrivals, sorter.manifest(day, folder))
    touched.save()
    return plan


def _manifest_problems(day: date, arrivals: list[Arrival], manifest: Manifest | None) -> list[str]:
    if manifest is None:
        return []
    if manifest.error:
        return [f"{day}: {manifest.error}, the folder's files are refused"]
    present = {arrival.name for arrival in arrivals}
    problems = [f"{day} {name}: listed in {MANIFEST}, absent" for name in sorted(manifest.files.keys() - present)]
    problems += [f"{day} {name}: not listed in {MANIFEST}" for name in sorted(present - manifest.files.keys())]
    return problems + ([f"{day}: {manifest.note}"] if manifest.note else [])


class _Sorter:
    """Sorts arrivals, in date and name order, into the plan."""

    def __init__(self, plan: Plan, known: list[AccountingRow], touched: TouchedFiles, scratch: Path) -> None:
        self._plan, self._touched, self._scratch = plan, touched, scratch
        # Later records replace earlier ones: a refused file that was retaken is known by its second record.
        self._by_state = {(k.business_date, k.landing_name, k.size_bytes, k.mtime_ns): k for k in known}
        self._by_name_and_bytes = {(k.business_date, k.landing_name, k.sha256): k for k in known}
        self._by_bytes: dict[tuple[date, str], AccountingRow | LandedFile] = {
            (k.business_date, k.sha256): k for k in known if not k.is_refused
        }
        self._names: dict[date, set[str]] = {}
        for k in known:
            self._names.setdefault(k.business_date, set()).add(k.source_file)
        self._manifests: dict[date, Manifest | None] = {}

    def manifest(self, day: date, folder: Path) -> Manifest | None:
        if day not in self._manifests:
            self._manifests[day] = read_manifest(folder)
            if self._manifests[day] is not None:
                self._plan.manifests[day] = self._manifests[day]
        return self._manifests[day]

    def sort(self, arrival: Arrival) -> None:
        day = arrival.business_date
        record = self._by_state.get((day, arrival.name, arrival.size_bytes, arrival.mtime_ns))
        sha256 = record.sha256 if record else self._touched.sha256(arrival)
        if sha256 is None:
            sha256 = sha256_of(arrival.path)
        if record is None:
            record = self._by_name_and_bytes.get((day, arrival.name, sha256))
            if record is not None:
                self._touched.remember(arrival, sha256)
        if record is None:
            self._take(arrival, sha256)
        elif record.is_refused and self._is_vouched_for(arrival, record):
            self._plan.retaken.append(record)
            self._take(arrival, sha256)

    def _is_vouched_for(self, arrival: Arrival, record: AccountingRow) -> bool:
        """Whether the folder's present manifest (or its removal) clears a file that was refused."""
        manifest = self.manifest(arrival.business_date, arrival.path.parent)
        rows = record.rows_landed if record.is_readable else None
        return manifest is None or manifest.refusal(arrival.name, record.sha256, rows) is None

    def _take(self, arrival: Arrival, sha256: str) -> None:
        day = arrival.business_date
        names = self._names.setdefault(day, set())
        file = LandedFile(
            file_id=len(self._plan.fresh) + len(self._plan.copies) + 1,
            arrival=arrival,
            source_file=recorded_name(arrival.name, sha256, names),
            sha256=sha256,
            read_path=arrival.path,
        )
        names.add(file.source_file)
        manifest = self.manifest(day, arrival.path.parent)
        if manifest is not None:
            file.provenance = manifest.provenance
        original = self._by_bytes.get((day, sha256))
        if original is not None:
            self._plan.copies.append((file, original))
            return
        if manifest is not None:
            file.refusal = manifest.refusal(arrival.name, sha256, None)
        if file.refusal is None:
            self._by_bytes[(day, sha256)] = file
        self._inspect(file)
        self._plan.fresh.append(file)

    def _inspect(self, file: LandedFile) -> None:
        if file.arrival.is_parquet:
            file.problem = ZERO_BYTES if file.arrival.size_bytes == 0 else None
            return
        facts = text_facts(file.arrival.path)
        file.problem, file.header, file.header_line = facts.problem, facts.header, facts.header_line
        file.newline, file.has_quotes = facts.newline, facts.has_quotes
        if facts.problem is None and facts.newline is None:
            file.read_path = with_unix_lines(file.arrival.path, self._scratch / f"{file.file_id}.csv")
