"""What a terminal is given of a model's text."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.reports.terminal import Screen, Thoughts, safe


def spans(pieces, *markers):
    """The spans of a text that comes in these pieces, neighbours of one kind joined."""
    cut = Thoughts(*markers)
    found = []
    for part in (*(cut.add(piece) for piece in pieces), cut.end()):
        for text, thought in part:
            if found and found[-1][1] == thought:
                text = found.pop()[0] + text
            found.append((text, thought))
    return found


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["<think>a</think>b"], [("<think>a</think>", True), ("b", False)]),
        (["<th", "ink>a</", "thi", "nk", ">b"], [("<think>a</think>", True), ("b", False)]),
        (["a < b <thin", "g"], [("a < b <thing", False)]),
        (["x<", "<think>", "y"], [("x<", False), ("<think>y", True)]),
        (["<think>a <", "/think"], [("<think>a </think", True)]),  # never closed
        (["a</think>b"], [("a</think>b", False)]),
        (["<think>a</think>b<think>c"], [("<think>a</think>", True), ("b", False), ("<think>c", True)]),
        ([], []),
    ],
)
def test_thoughts_are_told_across_pieces(pieces, expected):
    assert spans(pieces) == expected


def test_one_marker_may_open_and_close():
    pieces = ["|spe", "cial|a|s", "pecial|b |spec"]
    found = spans(pieces, "|special|", "|special|")
    assert found == [("|special|a|special|", True), ("b |spec", False)]


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "thi", "nk>", "/", "a", " "]), max_size=12))
def test_how_a_text_is_cut_into_pieces_changes_nothing(pieces):
    text = "".join(pieces)
    assert spans(pieces) == spans([text]) == spans(list(text))
    assert "".join(part for part, _ in spans(pieces)) == text


@given(st.text())
def test_nothing_in_a_text_can_steer_a_terminal(text):
    shown = safe(text)
    assert not set(shown) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))}
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
    shown.encode()  # no half of a surrogate pair either
    assert safe(shown) == shown


def test_what_is_written_out_can_be_read():
    assert safe("\x1b]0;title\x07 \u202eabc [bold]:smile:\n\t") == "␛]0;title␇ ⟨U+202E⟩abc [bold]:smile:\n\t"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def written(stream, dim):
    screen = Screen(stream)
    screen.write("a\x1b[0m", dim=dim)
    return stream.getvalue()


def test_thoughts_are_dimmed_on_a_terminal_alone(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert written(Terminal(), dim=True) == "\x1b[2ma␛[0m\x1b[22m"
    assert written(Terminal(), dim=False) == "a␛[0m"
    assert written(io.StringIO(), dim=True) == "a␛[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert written(Terminal(), dim=True) == "a␛[0m"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert written(Terminal(), dim=True) == "a␛[0m"
