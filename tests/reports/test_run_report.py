from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder
from r1light.reports.run_files import read_run
from r1light.reports.run_report import render_report, write_report
from r1light.reports.script import SCRIPT
from r1light.reports.style import STYLE

Make = Callable[..., RunFolder]
Row = Callable[..., dict[str, Any]]

_RESULT = {
    "stage": "grpo",
    "metrics": {
        "before/pass@1_greedy": 0.5195,
        "after/pass@1_greedy": 0.9922,
        "before/pass@1": 0.301,
        "after/pass@1": 0.921,
        "after/pass@1_stderr": 0.01,
        "before/pass@1_stderr": 0.02,
        "train_seconds": 245.1,
    },
    "outputs": {"model": "out/model"},
}
_MANIFEST = {
    "stage": "grpo",
    "seed": 7,
    "started": "2026-02-03T10:11:12+00:00",
    "wall_seconds": 300.2,
    "versions": {"r1light": "0.1.0", "torch": "2.13.0", "numpy": "2.3.1"},
    "git": {"revision": "0123456789abcdef", "modified": True},
    "hardware": {"cores": 2, "memory_gib": 15.6, "accelerators": ["H100", "H100"]},
    "sessions": [{"overrides": ["stage=grpo", "seed=7"]}, {"overrides": []}, {"overrides": []}],
}

_HOSTILE = [
    "</script><script>document.title='pwned'</script>",
    '<img src="x" onerror="document.title=1">',
    '" onmouseover="document.title=1" x=\'',
    "]]></style><svg onload=alert(1)>",
    "</textarea></div></details><iframe src=//example.org>",
    "\u2028\u2029\u202e\x00\x1b\ud800",
    "<!-- <script>",
    "&lt;script&gt; &#60;",
]


class _Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.append(name)
        self.attributes += [(key, value or "") for key, value in attributes]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _report(folder: RunFolder) -> str:
    return write_report(folder).read_text(encoding="utf-8")


def _assert_only_ours(text: str) -> None:
    seen = _Elements(text)
    assert (seen.names.count("script"), seen.names.count("style")) == (1, 1)
    assert not {"img", "iframe", "object", "embed", "link", "base", "textarea", "audio", "video"} & set(
        seen.names
    )
    assert not [
        key for key, _ in seen.attributes if key.startswith("on") or key in ("style", "src", "srcset")
    ]
    assert all(value.startswith("#") for key, value in seen.attributes if key == "href")
    assert f"<script>{SCRIPT}</script>" in text
    assert f"<style>{STYLE}</style>" in text


def test_the_numbers_of_the_run_stand_on_the_page(make_run: Make, sample: Row) -> None:
    rows = [{"iteration": i, "update": 2 * i, "reward": 0.125 * i, "num_tokens": 1000 * i} for i in range(5)]
    rows[0]["eval/pass@1_greedy"] = 0.5195
    folder = make_run(
        rows=rows, samples=[sample()], result=_RESULT, manifest=_MANIFEST, config="seed: 7\nlr: 1e-4 # <b>\n"
    )
    said = " ".join(_Elements(_report(folder)).text)
    for words in (
        "GRPO run",
        "python -m r1light stage=grpo seed=7",
        "2026-02-03 10:11:12 UTC, resumed 2 times",
        "2 × H100, 2 processor cores, 15.6 GiB of memory",
        "r1light 0.1.0, torch 2.13.0",
        "0123456789ab, with changes",
        "4 min 5 s",
        "5 min 0 s",
        "99.2%",
        "+47.3 points",
        "+62.0 points; ± 3.9% before; ± 2.0% after",  # 1.96 * 0.02 and 1.96 * 0.01
        "0.375",  # the reward of iteration 3
        "out/model",
        "numpy",
        "lr: 1e-4 # <b>",
        "2+3 is 5",
    ):
        assert words in said, words
    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", folder.report.read_text()))
    assert (facts["iterations"], facts["updates"], facts["tokens"], facts["seed"]) == ("4", "8", "4,000", "7")
    assert "has not finished" not in said


@pytest.mark.parametrize("text", _HOSTILE)
def test_nothing_that_a_model_or_a_file_says_becomes_markup(make_run: Make, sample: Row, text: str) -> None:
    said = sample(
        problem_id=text,
        prompt=text,
        prefill=text,
        completion=text + "x" + text,
        thinking="x",
        answer=text,
        reference=text,
        finish_reason=text,
        phase=text,
        scores={
            text: {"value": 1.0, "status": text, "detail": text},
            "accuracy": {"value": 1, "detail": text},
        },
    )
    folder = make_run(
        rows=[{"iteration": 1, text: 1.0, f"rewards/{text}/mean": 0.5, "diagnosis": text}],
        samples=[said, {**said, "phase": "before"}, {**said, "phase": "after"}],
        result={"stage": text, "metrics": {f"before/{text}": 1, f"after/{text}": 2}, "outputs": {text: text}},
        manifest={"started": text, "versions": {"torch": text}, text: {text: [text]}},
        config="config",
    )
    folder.config.write_text(text, encoding="utf-8", errors="replace")
    shown = _report(folder)
    _assert_only_ours(shown)
    # the policy and the two texts of ours aside, the page has no address at all
    outside = shown.replace(SCRIPT, "").replace(STYLE, "")
    assert "http://" not in outside
    assert "https://" not in outside


@pytest.mark.parametrize("kept", ["rows", "samples", "result", "manifest", "config"])
def test_any_one_file_is_enough(make_run: Make, sample: Row, kept: str) -> None:
    files = {"rows": [], "samples": [sample()], "result": _RESULT, "manifest": _MANIFEST, "config": "a: 1"}
    shown = _report(make_run(**{kept: files[kept]}))
    _assert_only_ours(shown)
    assert ("This run has not finished" in shown) is (kept != "result")


def test_a_folder_that_is_no_run_is_refused_and_gets_no_report(make_run: Make) -> None:
    folder = make_run()
    with pytest.raises(DataError, match="is no run folder"):
        write_report(folder)
    assert not folder.report.exists()


def test_values_that_are_not_finite_and_single_points_are_shown(make_run: Make) -> None:
    rows = [{"iteration": 1, "reward": 0.25, "kl": math.nan, "grad_norm": None, "entropy": math.inf}]
    result = {"stage": "grpo", "metrics": {"before/pass@1": math.nan, "after/pass@1": 0.5}}
    shown = _report(make_run(rows=rows, result=result))
    assert 'id="reward"' in shown
    assert not re.search(r'<figure id="(kl|grad|entropy)"', shown)
    assert "no difference can be given" in shown
    assert "nan" not in shown.replace(SCRIPT, "").replace(STYLE, "").lower().replace(
        '"from">nan<', ""
    ).replace("<td>nan</td>", "")


def test_the_diagnosis_is_told_once_with_its_iterations(make_run: Make) -> None:
    rows = [
        {"iteration": i, "diagnosis": "all groups zero-std" if i in (3, 4, 9) else None} for i in range(12)
    ]
    rows[5]["diagnosis"] = "one line"
    shown = _report(make_run(rows=rows))
    assert shown.count("all groups zero-std") == 1
    assert "all groups zero-std (3 iterations, 3 to 9)" in shown
    assert "one line (iteration 5)" in shown


def test_an_unfinished_run_names_its_last_iteration(make_run: Make) -> None:
    assert "the last recorded iteration is 3" in _report(make_run(rows=[{"iteration": i} for i in range(4)]))
    assert "no iteration was recorded" in _report(make_run(rows=[], name="other"))


def test_the_same_files_give_the_same_bytes(make_run: Make, sample: Row) -> None:
    files = {"rows": [{"iteration": 1, "reward": 1.0}], "samples": [sample()], "result": _RESULT}
    folder = make_run(**files)
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first


def test_samples_are_capped(make_run: Make, sample: Row) -> None:
    folder = make_run(samples=[sample(iteration=i) for i in range(1, 31)])
    assert render_report(read_run(folder), cap=7).count('<details class="sample"') == 7


def test_ids_are_unique_and_every_link_and_label_has_its_target(make_run: Make, sample: Row) -> None:
    rows = [
        {"iteration": 1, "reward": 1.0, "kl": 1.0, "a": 1.0, "b": 2.0, "eval/pass@1": 0.5, "step_time": 1.0}
    ]
    samples = [sample(phase=phase) for phase in ("before", "train", "after")]
    seen = _Elements(_report(make_run(rows=rows, samples=samples, result=_RESULT)))
    ids = [value for key, value in seen.attributes if key == "id"]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for key, value in seen.attributes if key == "href"}
    wanted |= {part for key, value in seen.attributes if key == "aria-labelledby" for part in value.split()}
    assert wanted <= set(ids)


def test_reports_need_no_torch(make_run: Make) -> None:
    folder = make_run(rows=[{"iteration": 1, "reward": 1.0}])
    code = (
        "import sys; from pathlib import Path; from r1light.core.run_folder import RunFolder;"
        "from r1light.reports.run_report import write_report; import r1light.reports.console;"
        "write_report(RunFolder(Path(sys.argv[1])));"
        "print(sorted({'torch', 'numpy', 'lightning', 'hydra', 'omegaconf', 'rich'} & set(sys.modules)))"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder.path)], capture_output=True, text=True, timeout=60, cwd=root
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_hacking_alarm_is_marked_with_its_iterations(make_run: Make) -> None:
    quiet = [{"iteration": number, "alarm/reward_hacking": 0.0} for number in (1, 2)]
    line = "reward hacking: 'helpfulness' rises <b>"
    rang = [
        {"iteration": 3, "alarm/reward_hacking": 1.0, "alarm": line},
        {"iteration": 4, "alarm/reward_hacking": 1.0},
    ]
    page = render_report(read_run(make_run(rows=[*quiet, *rang])))
    assert "<strong>Alarm</strong>" in page
    assert "rises &lt;b&gt; (2 iterations, from 3 on)" in page
    assert "<strong>Alarm</strong>" not in render_report(read_run(make_run(rows=quiet, name="quiet")))
