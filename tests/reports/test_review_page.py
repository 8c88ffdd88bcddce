"""The review page as text, and as a real browser runs it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from r1light.reports.review_page import ReviewRow, review_page

MARK = "document.documentElement.dataset.pwned=1"
ATTACKS = [
    f"</script><script>{MARK}</script>",
    f'<img src="data:," onerror="{MARK}">',
    f"</textarea></article></main><iframe srcdoc='<script>parent.{MARK}</script>'></iframe>",
    "\u202egnp.exe \u200b\x00\x1b[31m <!-- --> ]]> &lt;b&gt;",
    "\nfirst line empty\r\nthen \u2028 done\n",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_BROWSER = next((path for path in map(shutil.which, _NAMES) if path), None)
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=3000 --dump-dom"
)
in_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(_BROWSER is None, reason="no Chromium on the path"),
]


def row(index: int = 1, text: str = "two", **values: str) -> ReviewRow:
    return ReviewRow(
        **{
            "id": f"p#{index}",
            "question": "1+1?",
            "reference": "2",
            "thinking": text,
            "answer": "2",
            **values,
        }
    )


def hostile() -> list[ReviewRow]:
    return [
        row(n, text, id=f"{text}#{n}", question=text, answer=text, reference=text)
        for n, text in enumerate(ATTACKS)
    ]


def test_what_models_wrote_is_text():
    html = review_page(hostile(), "review.jsonl")
    assert "<img" not in html
    assert "<iframe" not in html
    assert html.count("<script") == html.count("</script>") == 2  # the data and our own
    assert "⟨U+202E⟩" in html
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert policy[1].startswith("default-src &#x27;none&#x27;")


def test_every_field_can_be_named_by_a_screen_reader():
    html = review_page([row(), row(2, decision="reject")], 'a"<b>.jsonl')
    assert html.count("<article ") == 2
    for number in (1, 2):
        assert f'aria-labelledby="row-{number}"' in html
        assert f'id="row-{number}"' in html
    assert 'aria-live="polite"' in html
    assert html.count('aria-pressed="true"') == 1
    assert "a&quot;&lt;b&gt;.jsonl" in html
    assert "Review of 1 row<" in review_page([row()], "x.jsonl")


def _dom(tmp_path: Path, html: str, driver: str = "") -> str:
    """The document after its scripts and the driver ran; the driver needs the policy out of the way."""
    if driver:
        html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
        html = html.replace("</body>", f"<script>{driver}</script></body>")
    path = tmp_path / "review.html"
    path.write_text(html, encoding="utf-8")
    command = [str(_BROWSER), *_FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


_SAVE = """
const store = URL.createObjectURL.bind(URL);
URL.createObjectURL = (blob) => {
  blob.text().then((text) => { document.documentElement.dataset.saved = btoa(encodeURIComponent(text)); });
  return store(blob);
};
HTMLAnchorElement.prototype.click = function () { document.documentElement.dataset.name = this.download; };
const press = (key) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true }));
const type = (field, text) => {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
"""


def _saved(dom: str) -> tuple[str, list[dict[str, str]]]:
    import base64
    from urllib.parse import unquote

    tag = re.search(r"<html[^>]*>", dom)
    assert tag
    text = unquote(base64.b64decode(re.search(r'data-saved="([^"]*)"', tag[0])[1]).decode())
    name = re.search(r'data-name="([^"]*)"', tag[0])
    assert name
    return name[1], [json.loads(line) for line in text.split("\n")[:-1]]


class TestInChromium:
    pytestmark = in_browser

    def test_hostile_rows_run_nothing(self, tmp_path: Path) -> None:
        dom = _dom(tmp_path, review_page(hostile(), "review.jsonl"))
        assert "5 of 5 shown" in dom  # our own script ran
        assert not re.search(r"<html[^>]*pwned", dom)

    def test_rows_that_are_only_looked_at_are_saved_as_they_were(self, tmp_path: Path) -> None:
        rows = hostile()
        driver = (
            _SAVE
            + """
        for (const button of document.querySelectorAll(".edit")) { button.click(); button.click(); }
        document.getElementById("save").click();
        """
        )
        name, saved = _saved(_dom(tmp_path, review_page(rows, "review.jsonl"), driver))
        assert name == "review.jsonl"
        assert [ReviewRow(**one) for one in saved] == rows

    def test_rows_are_edited_and_rejected_by_keys_and_buttons(self, tmp_path: Path) -> None:
        driver = (
            _SAVE
            + f"""
        press("j"); press("e");
        type(document.activeElement, {json.dumps(ATTACKS[1])});
        document.activeElement.blur();
        document.querySelectorAll(".reject")[1].click();
        document.querySelectorAll("article")[2].focus(); press("x"); press("x"); press("s");
        """
        )
        rows = [row(1), row(2), row(3)]
        dom = _dom(tmp_path, review_page(rows, "r.jsonl"), driver)
        assert "1 edited, 1 rejected" in dom
        assert "<img" not in dom.partition('<script type="application/json"')[0]
        _, saved = _saved(dom)
        assert saved[0]["thinking"] == ATTACKS[1]
        assert [one["decision"] for one in saved] == ["keep", "reject", "keep"]
        assert saved[2]["thinking"] == "two"
