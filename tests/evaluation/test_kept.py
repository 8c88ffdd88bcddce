import json

import pytest

from r1light.core.errors import ResumeError
from r1light.evaluation.kept import Kept, mark_of


def test_responses_outlive_a_process_and_a_line_that_was_cut_short(tmp_path):
    path = tmp_path / "deep/responses.jsonl"
    with Kept(path, {"seed": 1}) as kept:
        kept.put(mark_of("a"), ["x", "\ud800"])
        kept.put(mark_of("b"), [-1.5, True])
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with Kept(path, {"seed": 1}) as kept:
        assert kept.get(mark_of("a")) == ["x", "\ud800"]
        assert kept.get(mark_of("b")) is None
        kept.put(mark_of("b"), [-1.5, True])
    assert path.read_bytes() == whole


def test_another_setup_and_a_changed_file_are_refused(tmp_path):
    path = tmp_path / "responses.jsonl"
    Kept(path, {"seed": 1}).__exit__(None, None, None)
    with pytest.raises(ResumeError, match="begun with another configuration"):
        Kept(path, {"seed": 2})
    path.write_text(json.dumps({"setup": {"seed": 1}}) + "\nno JSON\n")
    with pytest.raises(ResumeError, match="was changed after it was written"):
        Kept(path, {"seed": 1})


def test_what_is_asked_decides_the_hash_and_nothing_else():
    assert mark_of("a", {"x": 1, "y": 2}) == mark_of("a", {"y": 2, "x": 1})
    assert len({mark_of("a"), mark_of("b"), mark_of("a", 1), mark_of("a", "1")}) == 4
