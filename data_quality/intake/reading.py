"""From files to typed rows, many files in one scan.

CSV is read as physical lines (a one-column scan), stitched into records only where a quoted field holds
a line end, and split by comma, or by RFC 4180 where a record holds a quote. So line numbers and texts are
exact, and one bad record costs itself only:

- Whether a line ends inside a quoted field depends on whether it began inside one. Each line is therefore
  a function of that state: it keeps it, flips it, or fixes it; a window composes the functions.
- A stitched record whose quoting is broken (an opening quote that nobody closes) is taken apart again, so
  that a forgotten quote does not swallow the lines after it.

Session tables: `files` (one row a file, see `register_files`), `typed` (file_id, source_line, contract
columns, faults) to which `land` appends.
"""

from __future__ import annotations

import duckdb

from data_quality.feeds import FeedContract
from data_quality.intake.casting import typed_query
from data_quality.intake.model import IntakeError, IntakeOptions, LandedFile
from data_quality.intake.sql import exact_path, identifier, identifiers, literal

# A delimiter that no text holds: the scan gives whole lines. Blank lines come back as null.
_LINES = """read_csv($paths, auto_detect = false, header = false, delim = '\x01\x02\x03\x04', quote = '',
    escape = '', comment = '', columns = {'text': 'VARCHAR'}, hive_partitioning = false, filename = true,
    strict_mode = true, max_line_size = 16000000)"""

_QUOTED = '"(?:[^"]|"")*"'
_STRICT_FIELD = f'(?:{_QUOTED}|[^",]*)'
_LENIENT_FIELD = f'(?:[^",][^,]*|{_QUOTED}(?:[^",][^,]*)?)?'
_OPENS = f'(?:{_LENIENT_FIELD},)*"(?:[^"]|"")*'
_STAYS_INSIDE = f'(?:[^"]|"")*(?:"(?:[^",][^,]*)?,{_OPENS})?'
_STRICT_RECORD = f"{_STRICT_FIELD}(?:,{_STRICT_FIELD})*"

_SPLIT_QUOTED = f"""
    CREATE OR REPLACE TEMP MACRO split_quoted(text) AS CASE WHEN regexp_full_match(text, {literal(_STRICT_RECORD)}) THEN
        list_transform(
            regexp_extract_all(',' || text, {literal(f",({_QUOTED}|[^,]*)")}, 1),
            lambda part: CASE WHEN starts_with(part, '"')
                THEN replace(substring(part, 2, length(part) - 2), '""', '"') ELSE part END) END"""


def create_session_tables(connection: duckdb.DuckDBPyConnection, contract: FeedContract) -> None:
    """Create the empty tables `files` and `typed`, and the macro that splits quoted records."""
    columns = ", ".join(f"{identifier(c.name)} {c.sql_type}" for c in contract.columns)
    connection.execute(
        """CREATE TEMP TABLE files (file_id INTEGER, business_date DATE, source_file VARCHAR, read_path VARCHAR,
        header_line BIGINT, future_limit TIMESTAMP)"""
    )
    connection.execute(f"CREATE TEMP TABLE typed (file_id INTEGER, source_line BIGINT, {columns}, faults VARCHAR[])")
    connection.execute(_SPLIT_QUOTED)


def register_files(connection: duckdb.DuckDBPyConnection, files: list[LandedFile], timezone: str) -> None:
    """Append the files to `files`; future_limit is 36 h past the folder's date, local midnight (semantics 1)."""
    connection.execute(
        """INSERT INTO files SELECT file_id, day, source_file, read_path, header_line,
            timezone('UTC', timezone($timezone, CAST(day AS TIMESTAMP))) + INTERVAL 36 HOUR
        FROM (SELECT unnest($ids::INTEGER[]) AS file_id, unnest($days::DATE[]) AS day,
            unnest($names::VARCHAR[]) AS source_file, unnest($paths::VARCHAR[]) AS read_path,
            unnest($headers::BIGINT[]) AS header_line)""",
        {
            "timezone": timezone,
            "ids": [f.file_id for f in files],
            "days": [f.arrival.business_date for f in files],
            "names": [f.source_file for f in files],
            "paths": [str(f.read_path) for f in files],
            "headers": [f.header_line for f in files],
        },
    )


def land(
    connection: duckdb.DuckDBPyConnection, contract: FeedContract, files: list[LandedFile], options: IntakeOptions
) -> None:
    """Append every row of the files to `typed`; a file that cannot be read gets its `problem` and one row.

    Raises:
        IntakeError: a file vanished or changed meanwhile, or memory or disk ran out.
    """
    readable = [f for f in files if f.is_readable]
    for file in readable:
        _check_unchanged(file)
    for group in _layouts(connection, readable):
        for batch in _batches(group, options.batch_bytes):
            _land_or_isolate(connection, contract, batch, options)
    for file in readable:
        _check_unchanged(file)
    _land_unreadable(connection, contract, [f for f in files if not f.is_readable])


def _check_unchanged(file: LandedFile) -> None:
    arrival = file.arrival
    try:
        stat = arrival.path.stat()
    except FileNotFoundError:
        raise IntakeError(f"{arrival.path}: vanished while being read; run again") from None
    if (stat.st_size, stat.st_mtime_ns) != (arrival.size_bytes, arrival.mtime_ns):
        raise IntakeError(f"{arrival.path}: changed while being read; deliver files under .tmp and rename, run again")


def _batches(files: list[LandedFile], limit: int) -> list[list[LandedFile]]:
    """Consecutive files of at most `limit` bytes together (at least one file each)."""
    batches: list[list[LandedFile]] = []
    size = 0
    for file in files:
        if not batches or size + file.arrival.size_bytes > limit:
            batches.append([])
            size = 0
        batches[-1].append(file)
        size += file.arrival.size_bytes
    return batches


def _layouts(connection: duckdb.DuckDBPyConnection, files: list[LandedFile]) -> list[list[LandedFile]]:
    """Files grouped by what one scan can share: CSV by header, line end and use of quotes, Parquet by schema."""
    groups: dict[tuple, list[LandedFile]] = {}
    for file in files:
        if not file.arrival.is_parquet:
            groups.setdefault(("csv", file.has_quotes, file.newline, file.header), []).append(file)
    parquet = [f for f in files if f.arrival.is_parquet]
    for file, schema in zip(parquet, _parquet_schemas(connection, parquet), strict=True):
        if schema is not None:
            groups.setdefault(("parquet", schema), []).append(file)
    return list(groups.values())


def _parquet_schemas(connection: duckdb.DuckDBPyConnection, files: list[LandedFile]) -> list[str | None]:
    """A text that is equal for files of equal schema; None (and the file's problem set) where unreadable."""
    if not files:
        return []
    try:
        rows = connection.execute(
            """SELECT file_name, md5(list((name, type, num_children, repetition_type, logical_type, duckdb_type)
                ORDER BY column_id)::VARCHAR) FROM parquet_schema($paths) GROUP BY file_name""",
            {"paths": [exact_path(f.read_path) for f in files]},
        ).fetchall()
    except duckdb.Error as error:
        if len(files) == 1:
            _refuse_or_raise(files[0], error)
            return [None]
        middle = len(files) // 2
        return _parquet_schemas(connection, files[:middle]) + _parquet_schemas(connection, files[middle:])
    schemas = dict(rows)
    return [schemas[str(f.read_path)] for f in files]


_NOT_THE_FILE = (
    duckdb.OutOfMemoryException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.InterruptException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
)


def _refuse_or_raise(file: LandedFile, error: duckdb.Error) -> None:
    """Blame the file for a failed scan, unless the machine is to blame."""
    text = str(error).splitlines()[0]
    if isinstance(error, _NOT_THE_FILE) or "No space left" in text or "Could not write" in text:
        raise IntakeError(
            f"{file.arrival.path}: reading stopped ({text}); free memory or disk and run again"
        ) from error
    _check_unchanged(file)
    file.problem = f"unreadable: {text.replace(str(file.read_path), file.arrival.name)}"


def _land_or_isolate(
    connection: duckdb.DuckDBPyConnection, contract: FeedContract, batch: list[LandedFile], options: IntakeOptions
) -> None:
    """Append the batch, or what of it can be read: halves are tried until the bad files stand alone."""
    try:
        if batch[0].arrival.is_parquet:
            _land_parquet(connection, contract, batch, options)
        else:
            _land_csv(connection, contract, batch, options)
    except duckdb.Error as error:
        if len(batch) == 1:
            _refuse_or_raise(batch[0], error)
            return
        middle = len(batch) // 2
        _land_or_isolate(connection, contract, batch[:middle], options)
        _land_or_isolate(connection, contract, batch[middle:], options)


def _land_unreadable(connection: duckdb.DuckDBPyConnection, contract: FeedContract, files: list[LandedFile]) -> None:
    """An unreadable file counts as one row landed, one quarantined (semantics 9); its line is 0."""
    connection.execute(
        """INSERT INTO typed BY NAME SELECT file_id, 0 AS source_line, ['unparseable:' || problem] AS faults
        FROM (SELECT unnest($ids::INTEGER[]) AS file_id, unnest($problems::VARCHAR[]) AS problem)""",
        {"ids": [f.file_id for f in files], "problems": [f.problem for f in files]},
    )


def _known_columns(
    contract: FeedContract, names: tuple[str, ...]
) -> tuple[dict[str, int], tuple[str, ...], str | None]:
    """Which contract column stands where (1-based), the other names, and why no row can be read, if so."""
    known: dict[str, int] = {}
    unknown: list[str] = []
    repeated: list[str] = []
    for position, name in enumerate(names, start=1):
        lowered = name.strip().lower()
        if lowered not in contract.column_names:
            unknown.extend([name] if lowered else [])
        elif lowered in known:
            repeated.append(lowered)
        else:
            known[lowered] = position
    if not known:
        return {}, tuple(unknown), f"header has no known column: {', '.join(names)[:200]}"
    if repeated:
        return {}, tuple(unknown), f"header repeats column {', '.join(repeated)}"
    return known, tuple(unknown), None


def _land_csv(
    connection: duckdb.DuckDBPyConnection, contract: FeedContract, batch: list[LandedFile], options: IntakeOptions
) -> None:
    header = batch[0].header
    known, unknown, defect = _known_columns(contract, header)
    _read_records(connection, batch)
    width = len(header)
    wrong_width = f"len(fields) || ' fields, the header has {width}'"
    source = f"""
        SELECT file_id, source_line, future_limit, fields, CASE
            WHEN {"NULL" if defect is None else "TRUE"} THEN $defect
            WHEN fields IS NULL THEN 'bad quoting'
            WHEN len(fields) <> {width} THEN {wrong_width} END AS unparseable
        FROM (SELECT file_id, source_line, future_limit,
                CASE WHEN contains(text, '"') THEN split_quoted(text) ELSE string_split(text, ',') END AS fields
            FROM records JOIN files USING (file_id))"""
    raw = {name: f"nullif(fields[{position}], '')" for name, position in known.items()}
    query = typed_query(contract, raw, source, options.timezone)
    connection.execute(f"INSERT INTO typed {query.sql}", {**query.parameters, "defect": defect or ""})
    for file in batch:
        file.unknown_columns = unknown


def _read_records(connection: duckdb.DuckDBPyConnection, batch: list[LandedFile]) -> None:
    """Replace table `records` (file_id, source_line, text) by the data records of CSV files of one layout."""
    connection.execute("DROP TABLE IF EXISTS records")
    connection.execute(
        f"""CREATE TEMP TABLE records AS
        SELECT f.file_id, r.ordinal - min(r.ordinal) OVER (PARTITION BY r.filename) + 1 AS source_line, r.text, f.header_line
        FROM (SELECT row_number() OVER () AS ordinal, text, filename FROM {_LINES}) AS r
        JOIN files AS f ON f.read_path = r.filename""",
        {"paths": [exact_path(f.read_path) for f in batch]},
    )
    connection.execute("DELETE FROM records WHERE source_line <= header_line")
    if batch[0].has_quotes:
        _stitch(connection, batch[0].newline or "\n")
    connection.execute("DELETE FROM records WHERE text IS NULL")


def _stitch(connection: duckdb.DuckDBPyConnection, newline: str) -> None:
    """Join lines of `records` that a quoted field runs across; only files with an opening line are touched."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE quote_lines AS
        SELECT file_id, source_line, regexp_full_match(text, {literal(_OPENS)}) AS from_outside,
            regexp_full_match(text, {literal(_STAYS_INSIDE)}) AS from_inside
        FROM records WHERE contains(text, '"')"""
    )
    opened = connection.execute("SELECT bool_or(from_outside) FROM quote_lines").fetchone()[0]
    if not opened:
        return
    connection.execute(_SPANS)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE stitched AS
        SELECT * FROM (
            SELECT file_id, first_line AS source_line, last_line,
                string_agg(coalesce(text, ''), {literal(newline)} ORDER BY source_line) AS text
            FROM spans JOIN records USING (file_id) WHERE source_line BETWEEN first_line AND last_line
            GROUP BY file_id, first_line, last_line
        ) WHERE regexp_full_match(text, {literal(_STRICT_RECORD)})"""
    )
    connection.execute(
        """DELETE FROM records USING stitched AS s WHERE records.file_id = s.file_id
            AND records.source_line BETWEEN s.source_line AND s.last_line"""
    )
    connection.execute("INSERT INTO records BY NAME SELECT file_id, source_line, text FROM stitched")


# Lines with quotes only: the others keep the state. `fixes` starts a new run in which only flips count.
# A span that nothing closes cannot be a record and is not worth putting together.
_SPANS = """
    CREATE OR REPLACE TEMP TABLE spans AS
    WITH runs AS (
        SELECT *, from_outside = from_inside AS fixes, from_outside AND NOT from_inside AS flips,
            count(*) FILTER (from_outside = from_inside) OVER (PARTITION BY file_id ORDER BY source_line) AS run
        FROM quote_lines
    ),
    states AS (
        SELECT file_id, source_line,
            (coalesce(max(from_outside::INTEGER) FILTER (fixes) OVER (PARTITION BY file_id, run), 0)
                + sum(flips::INTEGER) OVER (PARTITION BY file_id, run ORDER BY source_line)) % 2 = 1 AS inside_after
        FROM runs
    ),
    edges AS (
        SELECT *, coalesce(lag(inside_after) OVER (PARTITION BY file_id ORDER BY source_line), FALSE) AS inside_before
        FROM states
    ),
    marked AS (
        SELECT *, count(*) FILTER (NOT inside_before) OVER (PARTITION BY file_id ORDER BY source_line) AS record FROM edges
    )
    SELECT file_id, min(source_line) AS first_line, max(source_line) AS last_line
    FROM marked GROUP BY file_id, record
    HAVING max(source_line) > min(source_line) AND NOT arg_max(inside_after, source_line)"""


# Names that the Parquet scan adds: DuckDB refuses a file that has them, too.
_SCAN_COLUMNS = {"file_row_number", "landed_path__"}


def _land_parquet(
    connection: duckdb.DuckDBPyConnection, contract: FeedContract, batch: list[LandedFile], options: IntakeOptions
) -> None:
    described = connection.execute(
        "DESCRIBE SELECT * FROM read_parquet($paths, hive_partitioning = false)",
        {"paths": [exact_path(batch[0].read_path)]},
    ).fetchall()
    names = tuple(row[0] for row in described)
    clash = sorted({name.lower() for name in names} & _SCAN_COLUMNS)
    if clash:
        for file in batch:
            file.problem = f"unreadable: column name {clash[0]} belongs to the engine, rename it"
        return
    known, unknown, defect = _known_columns(contract, names)
    raw = {name: f"nullif(c{at}, '')" for name, at in known.items()}
    texts = "".join(f", {_as_text(names[at - 1], described[at - 1][1])} AS c{at}" for at in known.values())
    source = f"""
        SELECT f.file_id, r.file_row_number + 2 AS source_line, f.future_limit,
            CASE WHEN {"NULL" if defect is None else "TRUE"} THEN $defect END AS unparseable{texts}
        FROM read_parquet($paths, hive_partitioning = false, file_row_number = true, filename = 'landed_path__') AS r
        JOIN files AS f ON f.read_path = r.landed_path__"""
    query = typed_query(contract, raw, source, options.timezone)
    connection.execute(
        f"INSERT INTO typed {query.sql}",
        {**query.parameters, "defect": defect or "", "paths": [exact_path(f.read_path) for f in batch]},
    )
    for file in batch:
        file.unknown_columns = unknown


def _as_text(name: str, kind: str) -> str:
    """SQL of a Parquet column's text; whole floats lose their `.0`, which ids and counts never had."""
    column = f"r.{identifier(name)}"
    if kind in ("DOUBLE", "FLOAT"):
        return (
            f"CASE WHEN isfinite({column}) AND abs({column}) < 1e15 AND {column} = trunc({column}) "
            f"THEN CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
        )
    if kind == "BLOB":
        return f"coalesce(TRY(decode({column})), CAST({column} AS VARCHAR))"
    return f"CAST({column} AS VARCHAR)"


def raw_texts(
    connection: duckdb.DuckDBPyConnection, contract: FeedContract, files: list[LandedFile], options: IntakeOptions
) -> None:
    """Fill table `raw_texts` (file_id, source_line, raw_text) for the rows in table `wanted` of these files.

    Texts are read a second time for files with a bad row, instead of being kept for every good one.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE raw_texts (file_id INTEGER, source_line BIGINT, raw_text VARCHAR)")
    for group in _layouts(connection, files):
        for batch in _batches(group, options.batch_bytes):
            if batch[0].arrival.is_parquet:
                _parquet_texts(connection, batch)
            else:
                _read_records(connection, batch)
                connection.execute(
                    """INSERT INTO raw_texts SELECT file_id, source_line, text
                    FROM records SEMI JOIN wanted USING (file_id, source_line)"""
                )


def _parquet_texts(connection: duckdb.DuckDBPyConnection, batch: list[LandedFile]) -> None:
    paths = {"paths": [exact_path(batch[0].read_path)]}
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet($paths, hive_partitioning = false)", paths)
    names = identifiers([row[0] for row in described.fetchall()], "r.")
    connection.execute(
        f"""INSERT INTO raw_texts
        SELECT f.file_id, w.source_line, CAST(to_json(struct_pack({names})) AS VARCHAR)
        FROM read_parquet($paths, hive_partitioning = false, file_row_number = true, filename = 'landed_path__') AS r
        JOIN files AS f ON f.read_path = r.landed_path__
        JOIN wanted AS w ON w.file_id = f.file_id AND w.source_line = r.file_row_number + 2""",
        {"paths": [exact_path(f.read_path) for f in batch]},
    )
