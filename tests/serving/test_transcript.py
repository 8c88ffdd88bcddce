"""Text in pieces: joined it is the completion's, with no half character and no part of a stop string."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from r1light.core.types import Completion
from r1light.rollout.drafts import Draft, Endings
from r1light.rollout.live import Alternative, Written
from r1light.serving.transcript import Transcript

EOS = 0


def of_bytes(ids):
    return bytes(each for each in ids if each != EOS).decode(errors="replace")


def pieces_of(ids, stop, cap=1000):
    """Feed bytes as an engine writes them, until it ends; returns the pieces and the completion's text."""
    endings = Endings(of_bytes, [EOS], stop, 0)
    draft = Draft(0, 0, cap)
    transcript = Transcript(of_bytes, stop)
    pieces = []
    for token in ids:
        ended = endings.extend(draft, token, -1.0)
        completion: Completion | None = endings.complete(draft) if ended else None
        pieces.append(transcript.add(Written(1, 0, token, Alternative(token, -1.0), (), completion)))
        if completion is not None:
            return pieces, completion
    raise AssertionError("it has not ended")


@given(st.text("abé漢", max_size=20), st.lists(st.text("abé漢", min_size=1, max_size=4), max_size=3))
def test_pieces_make_the_text_and_nothing_is_taken_back(text, stop):
    pieces, completion = pieces_of([*text.encode(), EOS], stop)
    assert "".join(piece.text for piece in pieces) == completion.text
    assert "\ufffd" not in completion.text
    assert not any(each in completion.text for each in stop)


def test_what_may_begin_a_stop_string_waits():
    pieces, completion = pieces_of(b"so. ENx END", ["END"])
    #                 s    o    .    _   E   N    x      _   E   N   D
    assert [piece.text for piece in pieces] == ["s", "o", ".", " ", "", "", "ENx", " ", "", "", ""]
    assert completion.text == "so. ENx "
    assert completion.finish_reason == "stop"
    # The three tokens of the stop string are in no piece; all others are, where they begin.
    begins = [(at, each.token) for piece in pieces for at, each in piece.tokens]
    assert begins == list(enumerate(b"so. ENx "))


def test_the_end_token_is_in_no_piece_and_a_cut_character_is_kept():
    pieces, _ = pieces_of([*b"ab", EOS], [])
    assert [each.token for piece in pieces for _, each in piece.tokens] == [*b"ab"]
    half = [*b"a", *"é".encode()[:1]]
    pieces, completion = pieces_of(half, [], cap=2)
    assert completion.finish_reason == "length"
    assert [piece.text for piece in pieces] == ["a", "\ufffd"]
    assert [each.token for piece in pieces for _, each in piece.tokens] == half
