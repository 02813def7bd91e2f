"""Dagster's SQLite storage with its event log's connections kept open.

Dagster opens a new SQLAlchemy engine for each statement on its event log, some seven thousand a run, and compiles every
statement anew: a third of the time of a small run. What is stored, and where, is the same; `allocator ui` reads either.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData

#: Shards (one per run, and the index of all runs) whose engines stay open; the UI may look at many runs.
_OPEN_SHARDS = 8


class KeptEventLog(SqliteEventLogStorage):
    """`SqliteEventLogStorage` with an engine per shard instead of one per statement."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, sqlalchemy.Engine] = {}
        self._engines_lock = threading.Lock()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    def has_table(self, table_name: str) -> bool:
        """Whether the index of all runs has this table; tables come and never go."""
        if table_name not in self._tables:
            with self._engine(INDEX_SHARD_NAME).connect() as connection:
                if not sqlalchemy.inspect(connection).has_table(table_name):
                    return False
            self._tables.add(table_name)
        return True

    def dispose(self) -> None:
        """Close every connection."""
        super().dispose()
        with self._engines_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> sqlalchemy.Engine:
        with self._engines_lock:
            engine = self._engines.pop(shard, None)
            if engine is None:
                engine = sqlalchemy.create_engine(
                    create_db_conn_string(self._base_dir, shard), connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
                )
            self._engines[shard] = engine  # the newest last
            while len(self._engines) > _OPEN_SHARDS:
                self._engines.pop(next(iter(self._engines))).dispose()
        return engine


class KeptSqliteStorage(DagsterSqliteStorage):
    """`DagsterSqliteStorage` over `KeptEventLog`; the `dagster.yaml` of a home names it."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: dict[str, str]
    ) -> KeptSqliteStorage:
        """The storage of a `dagster.yaml`; `base_dir` is where Dagster's own would be."""
        return cls.from_local(inst_data=inst_data, **config_value)
