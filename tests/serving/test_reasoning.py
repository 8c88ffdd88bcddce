import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.serving.reasoning import Splitter


def split(pieces, thinking=False):
    splitter = Splitter(thinking=thinking)
    parts = [splitter.add(piece) for piece in pieces] + [splitter.add("", last=True)]
    return "".join(thought for thought, _ in parts), "".join(answer for _, answer in parts)


@pytest.mark.parametrize(
    ("text", "thinking", "thought", "answer"),
    [
        ("<think>\n2 and 3\n</think>\n\n5 ", False, "2 and 3", "5 "),
        ("2 and 3\n</think>\n\n5", True, "2 and 3", "5"),
        ("  <think>a", False, "a", ""),  # cut within the thought
        ("just 5", False, "", "just 5"),
        (" <thin ice", False, "", " <thin ice"),
        ("<think>a < b </thin</think>c</think>d", False, "a < b </thin", "c</think>d"),
        ("<think></think>5", False, "", "5"),
        ("a </thi", True, "a </thi", ""),
    ],
)
def test_thoughts_and_answers(text, thinking, thought, answer):
    assert split([text], thinking) == (thought, answer)
    assert split(list(text), thinking) == (thought, answer)


@given(st.text("<think>/ \na", max_size=30), st.booleans(), st.data())
def test_how_the_text_comes_in_pieces_changes_nothing(text, thinking, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    one, other = split(pieces, thinking), split(list(text), thinking)
    assert [each.rstrip() for each in one] == [each.rstrip() for each in other]
