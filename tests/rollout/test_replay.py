import json
import math

import pytest

from r1light.core.errors import DataError, EngineError
from r1light.core.protocols import RolloutEngine
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.replay import Replay


def replay(tmp_path, *rows, encode=None):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in rows))
    return Replay(Replay.Config(path=str(path)), encode=encode)


def test_rows_answer_by_problem_in_the_order_of_the_file(tmp_path):
    engine = replay(
        tmp_path,
        {"id": "a", "text": "x", "token_ids": [1, 2], "logprobs": [-0.5, -1], "finish_reason": "length"},
        {"problem_id": "b", "completion": "z", "token_ids": [9]},
        "",
        {"id": "a", "text": "y", "token_ids": [3]},
    )
    assert isinstance(engine, RolloutEngine)
    requests = [RolloutRequest("b", (1,)), RolloutRequest("a", (1,))]
    assert [group.completions[0].text for group in engine.generate(requests, SamplingParams())] == ["z", "x"]
    first, second = next(engine.generate(requests[1:], SamplingParams(n=2))).completions
    assert (first.token_ids, first.logprobs, first.finish_reason) == ((1, 2), (-0.5, -1.0), "length")
    assert (second.text, second.finish_reason) == ("y", "stop")
    assert math.isnan(second.logprobs[0])


def test_a_tokenizer_makes_the_ids_that_a_row_lacks(tmp_path):
    engine = replay(tmp_path, {"id": "a", "text": "ab"}, encode=lambda text: [ord(each) for each in text])
    assert next(engine.generate([RolloutRequest("a", (1,))], SamplingParams())).completions[0].token_ids == (
        97,
        98,
    )


def test_too_few_rows_are_an_error_that_names_the_problem(tmp_path):
    engine = replay(tmp_path, {"id": "a", "text": "y", "token_ids": [1]})
    with pytest.raises(DataError, match="has 1 completions of problem 'a', and 2"):
        engine.generate([RolloutRequest("a", (1,))], SamplingParams(n=2))
    with pytest.raises(DataError, match="has 0 completions of problem 'q'"):
        engine.generate([RolloutRequest("q", (1,))], SamplingParams())


def test_a_completion_longer_than_the_cap_is_an_error(tmp_path):
    engine = replay(tmp_path, {"id": "a", "text": "yes", "token_ids": [1, 2, 3]})
    with pytest.raises(DataError, match="with 3 tokens, and at most 2 are asked for"):
        engine.generate([RolloutRequest("a", (1,))], SamplingParams(max_tokens=2))
    engine.generate([RolloutRequest("a", (1,))], SamplingParams(max_tokens=3))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 is not a JSON object"),
        ({"text": "x"}, "line 2 has no problem_id"),
        ({"id": "a"}, "line 2 has no completion"),
        ({"id": "a", "text": "x"}, "line 2 has no token_ids"),
        ({"id": "a", "text": "x", "token_ids": [1], "logprobs": []}, "line 2: 1 token ids with 0 log"),
        ({"id": "a", "text": "x", "token_ids": ["?"]}, "line 2: invalid literal"),
        ({"id": "a", "text": "", "token_ids": []}, "line 2 has an empty completion"),
        (
            {"id": "a", "text": "x", "token_ids": [1], "finish_reason": "eos"},
            "line 2 has the finish_reason 'eos'",
        ),
    ],
)
def test_broken_rows_are_named_by_their_line(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        replay(tmp_path, {"id": "a", "text": "y", "token_ids": [1]}, row)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.jsonl"):
        Replay(Replay.Config(path=str(tmp_path / "nothing.jsonl")))
    with pytest.raises(ValueError, match=r"rollout\.path"):
        Replay.Config()


def test_weights_are_drained_and_close_ends_it(tmp_path):
    engine = replay(tmp_path, {"id": "a", "text": "y", "token_ids": [1]})
    tensors = iter([("w", None)])
    engine.load_weights(tensors, 1)
    assert next(tensors, None) is None
    engine.close()
    engine.close()
    with pytest.raises(EngineError):
        engine.generate([], SamplingParams())
