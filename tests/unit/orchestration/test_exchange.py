"""The swap of published/: a reader sees the old release or the new one."""

import os
import threading

from orchestration.publishing import exchange as module
from orchestration.publishing.exchange import exchange, finish_interrupted_exchange


def _folder(path, text):
    path.mkdir()
    (path / "a").write_text(text)
    (path / "b").write_text(text)
    return path


def _read(name, folder):
    descriptor = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(descriptor, 9)
    finally:
        os.close(descriptor)


def test_first_release_becomes_live(tmp_path):
    exchange(_folder(tmp_path / "next", "1"), tmp_path / "live")
    assert (tmp_path / "live" / "a").read_text() == "1"
    assert not (tmp_path / "next").exists()


def test_exchange_keeps_the_old_release_aside(tmp_path):
    live, staged = _folder(tmp_path / "live", "old"), _folder(tmp_path / "next", "new")
    exchange(staged, live)
    assert (live / "a").read_text() == "new"
    assert (staged / "a").read_text() == "old"


def test_fallback_without_an_atomic_exchange(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_exchange_in_one_step", lambda left, right: False)
    live, staged = _folder(tmp_path / "live", "old"), _folder(tmp_path / "next", "new")
    exchange(staged, live)
    assert (live / "a").read_text() == "new"


def test_an_interrupted_fallback_brings_the_old_release_back(tmp_path):
    live = _folder(tmp_path / "live", "old")
    os.rename(live, tmp_path / ".live.aside")
    finish_interrupted_exchange(live)
    assert (live / "a").read_text() == "old"


def test_readers_never_miss_the_folder(tmp_path):
    live, staged = _folder(tmp_path / "live", "0"), tmp_path / "next"
    seen, missed, stop = set(), [], threading.Event()

    def read():
        while not stop.is_set():
            descriptor = os.open(live, os.O_RDONLY)
            try:
                pair = [_read(name, descriptor) for name in ("a", "b")]
            except OSError as error:
                missed.append(error)
                continue
            finally:
                os.close(descriptor)
            seen.add(tuple(pair))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 60):
        _folder(staged, str(number))
        exchange(staged, live)
        staged.rename(tmp_path / f"old{number}")
    stop.set()
    reader.join()
    assert not missed
    assert all(left == right for left, right in seen)
