"""What installation runs at its end must run (a fresh clone found a broken import here once)."""

from orchestration import warm_up


def test_warm_up_compiles_the_kernels(monkeypatch):
    monkeypatch.setattr("compileall.compile_dir", lambda *arguments, **options: True)
    warm_up.main()
