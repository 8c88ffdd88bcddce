"""What a real browser makes of a comparison whose runs were made with hostile overrides."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from r1light.core.run_folder import RunFolder
from r1light.reports.compare_page import write_comparison
from r1light.reports.compare_runs import find_runs, read_runs
from r1light.reports.compare_table import compare

Lay = Callable[..., RunFolder]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_BROWSER = next((path for path in map(shutil.which, _NAMES) if path), None)
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=3000 --dump-dom"
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(_BROWSER is None, reason="no Chromium on the path"),
]


def test_hostile_overrides_run_nothing(lay_run: Lay, tmp_path: Path) -> None:
    mark = "document.documentElement.dataset.pwned=1"
    attacks = [
        f"</script><script>{mark}</script>",
        f'<img src="data:," onerror="{mark}">',
        f'"><svg onload="{mark}"><title>',
        f"</td></tr></table></main><iframe srcdoc='<script>parent.{mark}</script>'></iframe>",
    ]
    for i, text in enumerate(attacks):
        rows = [{"iteration": step, "reward": i + step, text: step} for step in range(3)]
        folder = lay_run(
            f"sweep/{i}",
            options={"text": text, text: i},
            overrides=[f"stage.text={text}"],
            metrics={"score": i, text: i} if i else None,
            manifest={"git": {"revision": text}, "versions": {"r1light": text}, "inputs": {text: text}},
            rows=rows,
        )
        folder.log.write_text(f"2026-01-01 00:00:00,000 ERROR r1light: {text}\n")
    # a folder's name cannot hold a slash
    lay_run('sweep/<img src=x onerror="document.documentElement.dataset.pwned=1">', metrics={"score": 9})
    comparison = compare(
        read_runs(find_runs([str(tmp_path / "sweep")]).folders), metrics=["score", attacks[1]]
    )
    report = tmp_path / "comparison.html"
    write_comparison(comparison, report, tmp_path / "comparison.csv", ["reward", *attacks])
    command = [str(_BROWSER), *_FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", report.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "Comparison of 5 runs" in dom
    assert dom.count('class="mark"') == 1, "the table is whole: one run has the best score"
    assert dom.count("<figure") == 5
    assert not re.search(r"<html[^>]*pwned", dom)
    assert "<img" not in dom
    assert "<iframe" not in dom
    assert dom.count("<script") == 1


def test_what_is_wider_than_the_window_scrolls_inside_the_page(
    lay_run: Lay, tmp_path: Path, chromium: Any
) -> None:
    for i in range(12):
        lay_run(
            f"a-sweep-with-a-long-name/{i}",
            options={f"stage.option_number_{j}": f"{i}-" + "value" * 12 for j in range(8)},
            metrics={f"after/task_{j}/pass@1_of_a_long_name": i / 16 for j in range(16)},
            rows=[{"iteration": step, "reward": i + step} for step in range(3)],
        )
    comparison = compare(read_runs(find_runs([str(tmp_path / "a-sweep-with-a-long-name")]).folders))
    report = tmp_path / "comparison.html"
    write_comparison(comparison, report, tmp_path / "comparison.csv", None)
    chromium.open(report)
    chromium.js("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    for width in (1200, 400):
        chromium.show(width)
        assert chromium.js("document.documentElement.scrollWidth") <= width
        assert chromium.js(
            "Array.from(document.querySelectorAll('.wide')).some(t => t.scrollWidth > t.clientWidth)"
        )
