"""Every notebook runs: its cells are the tests of the module that it exports."""

import pytest
from nbdev.test import test_nb as run_notebook  # under a name that pytest doesn't collect
from project import NOTEBOOKS, SETTINGS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, request, monkeypatch):
    monkeypatch.setenv("IN_TEST", "1")  # nbdev sets it; this puts it back afterwards
    asked = ["slow"] if request.config.getoption("--slow") else []
    passed, _ = run_notebook(path, skip_flags=SETTINGS.tst_flags.split(), force_flags=asked)
    assert passed, f"a cell of {path.name} failed; its traceback is in the captured output"
