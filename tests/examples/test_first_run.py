"""examples/first_run.ipynb runs from top to bottom, as a reader would run it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "first_run.ipynb"


def test_it_ships_without_outputs():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(
        cell.outputs == [] and cell.execution_count is None for cell in cells if cell.cell_type == "code"
    )


@pytest.mark.slow
def test_it_runs(tmp_path):
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # the deadline is of a cell, and far above what a machine with other work takes
    done = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    said = [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in done.cells
        if cell.cell_type == "code"
    ]
    assert "training ends after iteration 8" in said[0]
    assert any(
        "image/png" in output.get("data", {}) for cell in done.cells for output in cell.get("outputs", [])
    )
    assert said[2].startswith("before, ")
    assert "\nafter, " in said[2]
    assert "<think>" in said[4]
    assert (tmp_path / "runs" / "first" / "model" / "README.md").is_file()
