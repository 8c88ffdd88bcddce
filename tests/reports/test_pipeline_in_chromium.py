"""What a real browser makes of a pipeline's page: figures, folding, search, keys, print, and hostile text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from r1light.core.run_folder import RunFolder
from r1light.reports.pipeline_report import write_pipeline_report

Make = Callable[..., RunFolder]
Row = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.browser

_MARK = "document.documentElement.dataset.pwned=1"
ATTACKS = [
    f"</script><script>{_MARK}</script>",
    f'<img src="data:," onerror="{_MARK}">',
    f'" onmouseover="{_MARK}" autofocus onfocus="{_MARK}" x=\'',
    f"</details></section></main><iframe srcdoc='<script>parent.{_MARK}</script>'></iframe>",
    f"]]></style><style>*{{display:none}}</style><svg onload={_MARK}>",
    f'<a href="data:text/html,<script>{_MARK}</script>">x</a><base href="https://example.org/">',
    "</title><meta http-equiv=refresh content='0;url=https://example.org/'>",
    "\u202ereversed\u202c \u2028\x00\x1b[31m \ud800 {{7*7}} ${7*7} %s",
    "<link rel=stylesheet href=//example.org/x.css><form action=//example.org><input name=q>",
]
_SHOWN = "Array.from(document.querySelectorAll('details.sample')).filter(s => !s.hidden)"


def question(step: str, what: str = "right answers") -> dict[str, Any]:
    before, after = {"step": "base", "metric": "pass@1"}, {"step": step, "metric": "pass@1"}
    check = {"what": what, "before": before, "after": after, "at_least": 0.3, "percent": True}
    told = {"asks": f"Does {what} rise?", "claim": f"{what} rises.", "paper": what}
    return told | {"checks": {"accuracy": check}, "curve": "eval/pass@1", "curve_steps": [step]}


def rows(reach: float) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [{"update": 0, "eval/pass@1": 0.1}]
    for update in range(1, 31):
        row = {"update": update, "reward": update / 30, "completions/mean_length": 40 + update}
        row |= {"eval/pass@1": reach * update / 30, "reflection/rate": 0.1, "language/consistency": 0.9}
        made.append(row | {"host/rss_gb": 0.5, "num_tokens": 100 * update})
    return made


@pytest.fixture
def folder(make_pipeline: Make, sample: Row) -> RunFolder:
    wrong = {"accuracy": {"value": 0.0, "status": "ok", "detail": "41 is not 42"}}
    steps: dict[str, Any] = {
        "base@0": {"metrics": {"pass@1": 0.1, "pass@1_stderr": 0.02}, "title": "the base"},
        "check@0": {"metrics": {"pass@1": 0.9}, "needs": ["zero@0"]},
    }
    for seed in (0, 1):
        samples = [
            sample(problem_id=f"p/{seed}", completion="carry the one</think>5", thinking="carry the one"),
            sample(problem_id=f"q/{seed}", scores=wrong, iteration=5),
        ]
        steps[f"zero@{seed}"] = {
            "stage": "grpo",
            "title": "R1-Zero",
            "metrics": {"pass@1": 0.85 + 0.05 * seed},
            "rows": rows(0.8 + 0.1 * seed),
            "samples": samples,
            "config": "seed: 0",
        }
    return make_pipeline(steps, {"rq1": question("zero")}, story=["base", "zero"])


def shown(chromium: Any) -> list[str]:
    found: list[str] = chromium.js(f"{_SHOWN}.map(s => s.querySelector('.problem').textContent)")
    return found


def test_figures_have_marks_and_lie_in_the_page(folder: RunFolder, chromium: Any) -> None:
    chromium.show()
    chromium.open(write_pipeline_report(folder))
    marks = "f => [f.id, f.querySelectorAll('svg path, svg circle').length]"
    marks = f"Array.from(document.querySelectorAll('figure')).map({marks})"
    counts = dict(chromium.js(marks))
    assert counts.keys() == {"rq1-curve", "rq1-dots", "story-figure"}
    assert min(counts.values()) > 3
    sizes = chromium.js(
        "Array.from(document.querySelectorAll('figure svg:not(.swatch) .line'))"
        ".map(line => line.getBoundingClientRect().width)"
    )
    assert min(sizes) > 100
    for width in (1280, 400):
        chromium.show(width)
        assert chromium.js("document.documentElement.scrollWidth") <= width


def test_folds_open_and_close(folder: RunFolder, chromium: Any) -> None:
    chromium.open(write_pipeline_report(folder))
    visible = "document.querySelector('.sample .body > .said').checkVisibility()"
    assert chromium.js(visible) is False
    chromium.js("document.querySelector('details.sample > summary').click()")
    assert chromium.js(visible) is True
    thoughts = "document.querySelector('details.sample .thoughts .said').checkVisibility()"
    assert chromium.js(thoughts) is False
    chromium.js("document.querySelector('details.sample .thoughts > summary').click()")
    assert chromium.js(thoughts) is True
    assert "1" in chromium.js("document.querySelector('details.sample table').textContent")


@pytest.mark.parametrize(
    ("fragment", "names"),
    [
        ("", ["p/0", "q/0", "p/1", "q/1"]),
        ("#seed=1", ["p/1", "q/1"]),
        ("#verdict=wrong", ["q/0", "q/1"]),
        ("#q=CARRY+the&seed=0", ["p/0"]),
        ("#q=41+is+not", ["q/0", "q/1"]),
        ("#step=zero&from=2", ["q/0", "q/1"]),
        ("#step=zero&to=0", []),
    ],
)
def test_filters(folder: RunFolder, chromium: Any, fragment: str, names: list[str]) -> None:
    chromium.open(write_pipeline_report(folder), fragment)
    assert shown(chromium) == names
    assert chromium.js("document.getElementById('count').textContent") == f"{len(names)} of 4 shown"


def test_keys_search_move_and_open(folder: RunFolder, chromium: Any) -> None:
    chromium.open(write_pipeline_report(folder))
    chromium.press("Tab")
    assert chromium.js("document.activeElement.className") == "skip"
    chromium.press("/", "4", "1")
    assert chromium.js("document.querySelector('[name=q]').value") == "41"
    assert shown(chromium) == ["q/0", "q/1"]
    chromium.press("Escape", "j", "j", "Enter")
    assert (
        chromium.js("document.activeElement.closest('.sample').querySelector('.problem').textContent")
        == "q/1"
    )
    assert chromium.js("document.activeElement.closest('.sample').open") is True
    chromium.press("t")
    assert chromium.js("document.activeElement.closest('.sample').querySelector('.thoughts').open") is True
    chromium.press("k")
    assert (
        chromium.js("document.activeElement.closest('.sample').querySelector('.problem').textContent")
        == "q/0"
    )


def test_paper_has_the_answers_and_leaves_the_tools_out(folder: RunFolder, chromium: Any) -> None:
    chromium.open(write_pipeline_report(folder))
    chromium.show(media="print")
    visible = "document.querySelector('{}').checkVisibility()"
    try:
        for there in (".glance", ".checks", "#rq1-curve svg", "#rq1-dots svg", ".story svg", ".printed"):
            assert chromium.js(visible.format(there)) is True, there
        for away in ("nav", "#filters", ".sample", ".block"):
            assert chromium.js(visible.format(away)) is False, away
        chromium.js("document.querySelector('details.sample').open = true")
        assert chromium.js(visible.format(".sample")) is True
        assert chromium.js("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    finally:
        chromium.show()


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_against_what_is_behind_it(folder: RunFolder, chromium: Any, dark: bool) -> None:
    """A contrast of 4.5 to 1 at least (WCAG 2.2, 1.4.3), in both schemes."""
    chromium.show(dark=dark)
    chromium.open(write_pipeline_report(folder))
    contrast = """
      (() => {
        const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(Number).map(x => x / 255)
          .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
          return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
        const behind = e => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor;
          if (!b.endsWith(', 0)')) return b; } return 'rgb(255, 255, 255)'; };
        const out = [];
        for (const e of document.querySelectorAll('p, h1, h2, h3, dd, dt, th, td, small, summary, .badge')) {
          const a = light(getComputedStyle(e).color), b = light(behind(e));
          const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (ratio < 4.5) out.push(`${e.tagName}.${e.className} ${ratio}`);
        }
        return out;
      })()"""
    try:
        assert chromium.js(contrast) == []
    finally:
        chromium.show()


def test_hostile_text_runs_nothing_anywhere(make_pipeline: Make, sample: Row, chromium: Any) -> None:
    text = " ".join(ATTACKS)
    reason = {"accuracy": {"value": 0.0, "status": text, "detail": text}, text: {"value": 1.0}}
    samples = [
        sample(problem_id=one, prompt=one, completion=one, thinking=one, answer=one, reference=one,
               scores=reason, phase=one, finish_reason=one)
        for one in ATTACKS
    ]  # fmt: skip
    samples.append(sample(completion="<b>" * 2_000_000, thinking=None))
    step = {
        "stage": "grpo", "title": text, "metrics": {"pass@1": 0.5, f"dropped/{text}": 3}, "samples": samples,
        "dropped": [{"reason": text, "problem_id": text, "detail": text, "completion": text * 100}],
        "rows": [{"update": u, "eval/pass@1": u / 9, text: u} for u in range(9)],
        "config": text.replace("\ud800", ""),
        "manifest": {text: text, "hardware": {"machine": text}}, "overrides": [text], "why": text,
        "outputs": {text: text}, "needs": [text], "started": text, "seconds": 1.0, "report": True,
    }  # fmt: skip
    asked = question("zero", text)
    asked["checks"][text] = asked["checks"]["accuracy"] | {"before": {"step": text, "metric": text}}
    asked["curve_over"] = text
    top = {"title": text, "scale": text, "inputs": {text: text}, "story": ["zero", text]}
    steps = {"base@0": {"metrics": {"pass@1": 0.1}, "title": text}, "zero@0": step}
    folder = make_pipeline(steps, {text: asked, "rq2": question("zero", text)}, **top)
    page = write_pipeline_report(folder)
    assert page.stat().st_size < 3_000_000
    chromium.open(page)
    chromium.js("for (const d of document.querySelectorAll('details')) d.open = true")
    chromium.js(
        "for (const e of document.querySelectorAll('*'))"
        " for (const t of ['mouseover', 'focus', 'error', 'load']) e.dispatchEvent(new Event(t))"
    )
    assert chromium.js("document.documentElement.dataset.pwned") is None
    assert chromium.js("document.querySelectorAll('img, iframe, base, link, object, embed').length") == 0
    assert chromium.js("document.querySelectorAll('style, script, form, title:not(svg title)').length") == 4
    assert chromium.js("document.getElementById('count').textContent") == "10 of 10 shown"
    assert [one for one in chromium.addresses if one not in ("about:blank", page.as_uri())] == []
    texts = "Array.from(document.querySelectorAll('.sample .said')).map(s => s.textContent)"
    assert any(f"<script>{_MARK}</script>" in one for one in chromium.js(texts))
    assert chromium.js("document.querySelector('h1').textContent").startswith("</script><script>")
    assert chromium.js("document.querySelector('h1').textContent").count("\u202e") == 0
    attributes = "Array.from(document.querySelectorAll('*')).flatMap(e => Array.from(e.attributes))"
    assert chromium.js(f"{attributes}.filter(a => /^on|^style$/.test(a.name)).length") == 0
