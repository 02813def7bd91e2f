"""One pass over a file's bytes: its hash, whether it can be read at all, and its header.

Decided here and not by the error text of a scan, so that one broken file never spoils the batch it
would have been scanned with, and so that the reason is the same whatever the engine's version.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20
HEADER_LIMIT = 1 << 20
ZERO_BYTES = "zero_bytes"
_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True)
class TextFacts:
    """What a CSV file is like. `problem` is None where its rows can be read (see model.LandedFile)."""

    problem: str | None = None
    header: tuple[str, ...] = ()
    header_line: int = 1
    newline: str | None = "\n"
    has_quotes: bool = False


def sha256_of(path: Path) -> str:
    """Hex sha256 of the bytes as delivered."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def text_facts(path: Path) -> TextFacts:
    """Facts of a CSV or gzipped CSV file, from its uncompressed bytes."""
    if path.stat().st_size == 0:
        return TextFacts(problem=ZERO_BYTES)
    scan = _TextScan()
    try:
        for chunk in _chunks(path):
            scan.feed(chunk)
        scan.close()
    except UnicodeDecodeError:
        return TextFacts(problem="unreadable: not UTF-8")
    except EOFError:
        return TextFacts(problem="unreadable: gzip data is truncated")
    except (gzip.BadGzipFile, zlib.error):
        return TextFacts(problem="unreadable: gzip data is damaged")
    return scan.facts()


def with_unix_lines(path: Path, target: Path) -> Path:
    """Write an uncompressed copy of a CSV file whose every line ends in LF, and return it."""
    with target.open("wb") as copy:
        carry = b""
        for chunk in _chunks(path):
            chunk = carry + chunk
            carry = b"\r" if chunk.endswith(b"\r") else b""
            chunk = chunk.removesuffix(b"\r") if carry else chunk
            copy.write(chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        copy.write(b"\n" if carry else b"")
    return target


def _chunks(path: Path) -> Iterator[bytes]:
    is_zipped = path.name.lower().endswith(".gz")
    with gzip.open(path, "rb") if is_zipped else path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


class _TextScan:
    """Running facts over the chunks of one text file."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._head = ""
        self._ends = {b"\r\n": 0, b"\r": 0, b"\n": 0}
        self._after_cr = False
        self._has_quotes = False

    def feed(self, chunk: bytes) -> None:
        text = self._decoder.decode(chunk)
        if len(self._head) < HEADER_LIMIT:
            self._head += text[: HEADER_LIMIT - len(self._head)]
        for end in self._ends:
            self._ends[end] += chunk.count(end)
        self._ends[b"\r\n"] += self._after_cr and chunk.startswith(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        self._has_quotes = self._has_quotes or b'"' in chunk

    def close(self) -> None:
        self._decoder.decode(b"", final=True)

    def _newline(self) -> str | None:
        pairs, returns, feeds = (self._ends[end] for end in (b"\r\n", b"\r", b"\n"))
        if returns == 0:
            return "\n"
        return "\r\n" if pairs == returns == feeds else None

    def facts(self) -> TextFacts:
        lines = _LINE_END.split(self._head.removeprefix("\ufeff"))
        line = next((n for n, text in enumerate(lines) if text.strip()), None)
        if line is None:
            return TextFacts(problem="unreadable: no header line")
        try:
            header = next(csv.reader([lines[line]], strict=True))
        except csv.Error:
            return TextFacts(problem="unreadable: the header line is not valid CSV")
        names = tuple(name.strip() for name in header)
        return TextFacts(None, names, line + 1, self._newline(), self._has_quotes)
