from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from r1light.core.errors import UnknownNameError
from r1light.core.run_folder import RunFolder
from r1light.reports.compare_console import console_table, csv_text
from r1light.reports.compare_curves import curve_figures, curve_names
from r1light.reports.compare_page import render_comparison, write_comparison
from r1light.reports.compare_pool import metric_label
from r1light.reports.compare_runs import read_runs
from r1light.reports.compare_summary import comparison_result, empty_note
from r1light.reports.compare_table import Comparison, compare

Lay = Callable[..., RunFolder]

HOSTILE = "</td><script>alert(1)</script>[red]\x1b[31m\u202e" + "x" * 90


def side_by_side(folders: Sequence[RunFolder], **options: Any) -> Comparison:
    return compare(read_runs([folder.path for folder in folders]), **options)


def curve(values: Sequence[float], name: str = "reward") -> list[dict[str, float]]:
    return [{"iteration": i, name: value} for i, value in enumerate(values, 1)]


@pytest.fixture
def three(lay_run: Lay) -> list[RunFolder]:
    """Two seeds of lr=1, and a failed run of lr=2."""
    metrics = [{"before/pass@1": 0.1, "after/pass@1": after} for after in (0.5, 0.7)]
    folders = [
        lay_run("0", seed=0, options={"lr": 1}, metrics=metrics[0], rows=curve([1, 2, 3])),
        lay_run("1", seed=1, options={"lr": 1}, metrics=metrics[1], rows=curve([3, 4])),
        lay_run("2", seed=0, options={"lr": 2}, rows=curve([5, 6, 7])),
    ]
    folders[2].log.write_text("2026-01-01 00:00:00,000 ERROR r1light: no <room> left\n")
    folders[0].report.write_text("")
    return folders


def test_the_page_shows_rows_states_and_the_best(three: list[RunFolder], tmp_path: Path) -> None:
    # mean (0.5 + 0.7) / 2 = 0.6, s = sqrt(2 * 0.01 / 1) = 0.141, half = 12.7062 * 0.1414 / 1.4142 = 1.2706
    page = render_comparison(side_by_side(three, by_seed=True), tmp_path / "out")
    assert "60.0%" in page
    assert re.search(r"± 127\.1%</span>\s*<span class=\"spread\">\(sd 14\.1%, n=2\)", page)
    assert "Run 2 failed: no &lt;room&gt; left" in page
    assert ">failed<" in page
    assert page.count('class="mark"') == 0, "one row has a number, and none is best"
    assert 'href="../0/report.html"' in page
    assert "1/report.html" not in page, "there is no such report"
    single = render_comparison(side_by_side(three, by_seed=False), tmp_path / "out")
    assert re.search(r"<strong>70\.0%</strong><span class=\"mark\">best</span>", single)
    assert page == render_comparison(side_by_side(list(reversed(three))), tmp_path / "out")


def test_hostile_text_is_written_out_everywhere(lay_run: Lay, tmp_path: Path) -> None:
    folders = [
        lay_run(
            name, options={"text": text, HOSTILE: name}, metrics={HOSTILE: i}, rows=curve([1, 2], HOSTILE)
        )
        for i, (name, text) in enumerate((("a", HOSTILE), ("b", "=1+1")))
    ]
    folders[0].log.write_text(f"2026-01-01 00:00:00,000 ERROR r1light: {HOSTILE}\n")
    found = side_by_side(folders)
    page = render_comparison(found, tmp_path, [HOSTILE])
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    out = io.StringIO()
    console = Console(file=out, width=400, force_terminal=True)
    console.print(console_table(found, 400))
    assert "\x1b[31m" not in out.getvalue()
    assert "[red]" in out.getvalue()
    rows = list(csv.reader(io.StringIO(csv_text(found))))
    column = rows[0].index("stage.text")
    assert {row[column] for row in rows[1:]} >= {"'=1+1"}
    assert "\x1b" not in csv_text(found)


def test_the_table_on_the_terminal(three: list[RunFolder]) -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(console_table(side_by_side(three, by_seed=False), 120))
    told = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.getvalue().splitlines()]
    assert [row for row in told if row] == [
        ["1", "finished", "1", "1", "70.0% best"],
        ["0", "finished", "0", "1", "50.0%"],
        ["2", "failed", "0", "2", "–"],
    ]
    assert "3 runs, by pass@1, sampled (after)" in out.getvalue()


def shown(comparison: Comparison, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(console_table(comparison, width))
    return [line.strip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("by_seed", [True, False])
def test_at_every_width_the_table_is_whole_and_its_words_and_numbers_are(lay_run: Lay, by_seed: bool) -> None:
    names = ["accuracy", "loss", "mean_length", "pass@1", "pass@1_greedy", "well_formed"]
    folders = [
        lay_run(
            f"{lr}{seed}",
            seed=seed,
            options={"lr": lr, "path": f"a long path/to a file {lr}", "why": "so " * 9 + str(lr)},
            metrics={f"after/{name}": seed / 3 for name in names},
        )
        for lr in (1, 2)
        for seed in (0, 1)
    ]
    found = side_by_side(folders, metrics=[f"after/{name}" for name in names], by_seed=by_seed)
    number = "(sd 23.6%, n=2)" if by_seed else "33.3%"
    for width in range(50, 200):
        lines = shown(found, width)
        (top,) = (line for line in lines if line.startswith("┏"))
        assert top.endswith("┓"), width
        assert len(top) <= width
        assert any(number in line for line in lines), width
        told = top.count("┳") + 1 - len(["run", "seed", "lr", "path", "why"])
        heads = {word for line in lines if line.startswith("┃") for word in re.split(r"[\s┃]+", line) if word}
        known = {word for metric in found.metrics for word in metric_label(metric).split()}
        assert width < 80 or heads <= known | {"run", "seed", "lr", "path", "why"}, width
        left_out = " ".join(lines).partition("for want of room")[2]
        assert left_out.count("(after)") == len(names) - told, (width, lines)


def test_the_file_has_a_line_a_run_with_every_number(three: list[RunFolder]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(side_by_side(three)))))
    assert [(row["row"], row["run"], row["state"], row["stage.lr"]) for row in rows] == [
        ("1", "0", "finished", "1"),
        ("1", "1", "finished", "1"),
        ("2", "2", "failed", "2"),
    ]
    assert [row["after/pass@1"] for row in rows] == ["0.5", "0.7", ""]
    assert [row["before/pass@1"] for row in rows] == ["0.1", "0.1", ""]


def test_curves_over_seeds_are_the_mean_where_every_seed_has_a_value(three: list[RunFolder]) -> None:
    # of (1, 3) and (2, 4): means 2 and 3, s = sqrt((1 + 1) / 1) = 1.4142; the third point has one seed alone
    found = side_by_side(three)
    (figure,) = curve_figures(found, curve_names(found, None))
    pooled, failed = figure.series
    assert [(point.x, point.y) for point in pooled.points] == [(1, 2), (2, 3)]
    assert [point.error for point in pooled.points] == [pytest.approx(1.41421, abs=1e-5)] * 2
    assert [(point.x, point.y, point.error) for point in failed.points] == [
        (1, 5, None),
        (2, 6, None),
        (3, 7, None),
    ]
    assert [series.label for series in figure.series] == ["0, 1: lr=1", "2: lr=2, seed=0"]
    # the bands from 2 - 1.41 up, the failed run up to 7
    assert figure.limits == (pytest.approx(0.5858, abs=1e-4), 7)


def test_more_rows_than_kinds_of_lines(lay_run: Lay) -> None:
    folders = [lay_run(str(i), options={"lr": i}, metrics={"x": i}, rows=curve([i, i])) for i in range(9)]
    found = side_by_side(folders, best="highest")
    (figure,) = curve_figures(found, ["reward"])
    assert [series.points[0].y for series in figure.series] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert "The first 8 of 9 rows." in figure.caption


def test_which_curves_are_drawn(lay_run: Lay) -> None:
    rows = [{"iteration": i, "loss": 1.0, "eval/loss": 2.0, "grad_norm": 3.0} for i in range(2)]
    folders = [lay_run(name, options={"k": name}, rows=rows) for name in "ab"]
    found = side_by_side(folders)
    assert curve_names(found, None) == ["loss", "eval/loss"]
    assert curve_names(found, ["grad_norm"]) == ["grad_norm"]
    with pytest.raises(
        UnknownNameError, match=r"unknown curve of these runs 'grad_nrm'; did you mean 'grad_norm'"
    ):
        curve_names(found, ["grad_nrm"])


def test_runs_without_numbers_or_curves_have_a_page_too(lay_run: Lay, tmp_path: Path) -> None:
    found = side_by_side([lay_run("a"), lay_run("b", seed=1)])
    page = render_comparison(found, tmp_path)
    assert "There is no number to compare." in page
    assert "The configurations do not differ but in the seed." in page
    assert 'id="curves"' not in page


def test_the_result_names_the_best_run(three: list[RunFolder], tmp_path: Path) -> None:
    found = side_by_side(three, by_seed=False)
    result = comparison_result(found, tmp_path / "report.html", tmp_path / "comparison.csv")
    assert result.metrics == {"runs": 3, "rows": 3, "finished": 2, "best/after/pass@1": 0.7}
    assert result.outputs["best"] == str(three[1].path)
    assert "best" not in comparison_result(side_by_side(three), tmp_path, tmp_path).outputs


def test_files_are_written_only_if_all_can_be(three: list[RunFolder], tmp_path: Path) -> None:
    page, table = tmp_path / "out" / "report.html", tmp_path / "out" / "comparison.csv"
    with pytest.raises(UnknownNameError):
        write_comparison(side_by_side(three), page, table, ["rewrd"])
    assert not page.exists()
    assert not table.exists()
    write_comparison(side_by_side(three), page, table, None)
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert table.read_text().startswith("row,run,folder")


def test_folders_without_a_run_are_told(tmp_path: Path) -> None:
    assert empty_note([]) == []
    (note,) = empty_note([tmp_path / str(i) for i in range(6)])
    assert note.endswith(f"{tmp_path / '4'} and more.")
