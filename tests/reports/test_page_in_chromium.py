"""What a real browser makes of a report: its own document after scripts ran, dumped as text."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from r1light.core.run_folder import RunFolder
from r1light.reports.run_report import write_report

Make = Callable[..., RunFolder]
Row = Callable[..., dict[str, Any]]

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


def _dom(tmp_path: Path, report: Path, fragment: str = "") -> str:
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    address = report.as_uri() + fragment
    command = [str(_BROWSER), *_FLAGS.split(), profile, address]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def _shown(dom: str) -> list[str]:
    """The problems whose samples are not hidden."""
    samples = re.findall(
        r'<details class="sample"([^>]*)>.*?<span class="problem"[^>]*>([^<]*)<', dom, re.DOTALL
    )
    return [problem for attributes, problem in samples if "hidden" not in attributes]


def test_hostile_completions_run_nothing(make_run: Make, sample: Row, tmp_path: Path) -> None:
    mark = "document.documentElement.dataset.pwned=1"
    attacks = [
        f"</script><script>{mark}</script>",
        f'<img src="data:," onerror="{mark}">',
        f'"><svg onload="{mark}">',
        f"</details></div></main><iframe srcdoc='<script>parent.{mark}</script>'></iframe>",
    ]
    rows = [sample(problem_id=text, completion=text, answer=text, thinking=None) for text in attacks]
    dom = _dom(tmp_path, write_report(make_run(samples=rows)))
    assert "4 of 4 shown" in dom  # our own script ran
    assert not re.search(r"<html[^>]*pwned", dom)
    assert "<img" not in dom
    assert "<iframe" not in dom


def test_the_policy_stops_a_script_even_inside_the_page(make_run: Make, sample: Row, tmp_path: Path) -> None:
    report = write_report(make_run(samples=[sample()]))
    broken = report.with_name("broken.html")
    attack = "<script>document.documentElement.dataset.pwned=1</script>"
    broken.write_text(report.read_text().replace("</main>", attack + "</main>"))
    dom = _dom(tmp_path, broken)
    assert "1 of 1 shown" in dom
    assert not re.search(r"<html[^>]*pwned", dom)


@pytest.mark.parametrize(
    ("fragment", "shown"),
    [
        ("", ["p/1", "p/2", "p/3"]),
        ("#q=carry+CHECK", ["p/2"]),
        ("#phase=train&verdict=right", ["p/2"]),
        ("#from=1&to=5&verdict=wrong", ["p/1"]),
    ],
)
def test_filters(make_run: Make, sample: Row, tmp_path: Path, fragment: str, shown: list[str]) -> None:
    wrong = {"accuracy": {"value": 0.0, "status": "ok", "detail": ""}}
    rows = [
        sample(problem_id="p/1", iteration=1, scores=wrong),
        sample(problem_id="p/2", iteration=5, completion="check the carry", thinking=None),
        sample(problem_id="p/3", iteration=9, phase="after"),
    ]
    dom = _dom(tmp_path, write_report(make_run(samples=rows)), fragment)
    assert _shown(dom) == shown
    assert f"{len(shown)} of 3 shown" in dom
