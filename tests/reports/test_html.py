from __future__ import annotations

import base64
import hashlib
import html as standard
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.reports.html import Html, escape, join, page, tag


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.starts: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.data: list[str] = []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.starts.append((name, attributes))

    def handle_data(self, data: str) -> None:
        self.data.append(data)


def _parse(text: str) -> _Seen:
    seen = _Seen()
    seen.feed(text)
    seen.close()
    return seen


@given(st.text())
def test_any_text_is_only_text_in_content_and_only_a_value_in_attributes(text: str) -> None:
    seen = _parse(tag("p", text, data_said=text))
    assert [name for name, _ in seen.starts] == ["p"]
    ((name, value),) = seen.starts[0][1]
    assert name == "data-said"
    assert (value or "") == "".join(seen.data) == standard.unescape(escape(text))


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_ascii_survives_escaping_unchanged(text: str) -> None:
    assert standard.unescape(escape(text)) == text


@given(st.text(alphabet=st.characters()))
def test_escaped_text_encodes_and_holds_no_character_that_reorders_or_hides(text: str) -> None:
    escaped = escape(text).encode().decode()
    assert not set(escaped) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff"
    )
    assert not any(ord(c) < 0x20 and c not in "\n\t" for c in escaped)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\u2028", "⟨U+2028⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("\x00\x1b", "\u2400\u241b"),
        ("\r\n\t", "\u240d\n\t"),
        ("\x7f\x85", "⟨U+007F⟩⟨U+0085⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("你好 é 👩\u200d👧", "你好 é 👩\u200d👧"),
    ],
)
def test_hidden_characters_are_written_out_and_ordinary_ones_stay(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_join_escapes_text_passes_markup_and_drops_none() -> None:
    assert join("<", None, Html("<b></b>"), ["&", [tag("i", "'")]]) == "&lt;<b></b>&amp;<i>&#x27;</i>"


def test_attributes_false_and_none_are_left_out_true_is_bare_and_zero_is_kept() -> None:
    assert tag("input", hidden=True, disabled=False, name=None, value=0) == '<input hidden value="0"/>'


@pytest.mark.parametrize("name", ["onclick", "onerror", "style"])
def test_attributes_that_hold_code_or_style_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        tag("p", **{name: "x"})


def test_the_policy_names_the_hashes_of_exactly_the_style_and_script_in_the_page() -> None:
    text = page("t", tag("p", "x"))
    policy = standard.unescape(text.split('Content-Security-Policy" content="')[1].split('"')[0])
    assert policy.startswith("default-src 'none'; ")
    for name in ("style", "script"):
        inside = text.split(f"<{name}>")[1].split(f"</{name}>")[0]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
