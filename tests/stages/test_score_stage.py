"""stage=score in this process: what it writes, counts and refuses."""

from __future__ import annotations

import gc
import json
import tracemalloc

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError, ResumeError, RewardError
from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.curation.stored import StoredCompletions, batches
from r1light.stages import stage_module
from r1light.templates.r1_zero import R1Zero


def row(index, answer, gold="5", completion=None, **more):
    text = completion if completion is not None else f"<think> hm </think> <answer> {answer} </answer>"
    problem = {"id": f"p{index}", "prompt": "2+3?", "grader": "exact", "answer": gold}
    return {"problem": problem, "completion": text, "prefill": "", **more}


def write(path, rows):
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))


@pytest.fixture
def score(tmp_path):
    """Score in.jsonl to out.jsonl; returns the result and the rows."""

    def run(*overrides):
        source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        lines = ["stage=score", f"stage.input={source}", f"stage.output={output}", "stage.tokenize=false"]
        (plain,) = compose_jobs([*lines, *overrides], Source(), multirun=False).jobs
        folder = RunFolder(tmp_path / "run")
        folder.path.mkdir(exist_ok=True)
        result = stage_module("score").run(validate(plain, stage_module), folder)
        return result, read_jsonl(output)

    run.source, run.output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"

    def listed(*overrides):
        result, found = run(*overrides)
        return result, list(found)

    listed.source, listed.output, listed.unread = run.source, run.output, run
    return listed


def test_a_batch_ends_where_the_next_row_has_its_whole_problem():
    stored = StoredCompletions(R1Zero(R1Zero.Config()))
    alone = {"id": "p0"}
    rows = [row(0, "5"), row(0, "6", problem=alone), row(0, "7", problem=alone), row(1, "5"), row(2, "5")]
    lines = [(number, json.dumps(each).encode()) for number, each in enumerate(rows, start=1)]
    found = list(batches(iter(lines), "x", stored, 2))
    assert [[line.where for line in batch] for batch in found] == [["x:1", "x:2", "x:3"], ["x:4", "x:5"]]
    assert [line.sample.problem.answer for batch in found for line in batch] == ["5"] * 5


def test_rows_come_out_in_order_with_every_reward_and_the_means(score):
    rows = [row(0, "5"), row(1, "6"), row(2, "", completion="5"), row(3, "5")]
    rows[3]["problem"]["meta"] = {"source": "sums"}
    write(score.source, rows)
    result, found = score("stage.batch_rows=3")
    assert [each["id"] for each in found] == ["p0", "p1", "p2", "p3"]
    # right and well formed 1 + 1; wrong 0 + 1; no tags, so neither
    assert [each["reward"] for each in found] == [2.0, 1.0, 0.0, 2.0]
    assert found[1]["scores"] == {
        "accuracy": {"value": 0.0, "status": "ok", "detail": ""},
        "format": {"value": 1.0, "status": "ok", "detail": ""},
    }
    assert found[2]["scores"]["accuracy"]["detail"] == "no answer"
    metrics = result.metrics
    assert (metrics["rows"], metrics["reward"], metrics["rewards/accuracy/mean"]) == (4, 5 / 4, 0.5)
    assert (metrics["rewards/format/mean"], metrics["sources/sums/reward"]) == (0.75, 2.0)
    assert json.loads((score.output.parent / "run/result.json").read_text())["outputs"] == {
        "scores": str(score.output)
    }


def test_another_grader_judges_what_was_judged_before(score):
    rows = [row(0, "10/2"), row(1, "5"), row(2, "6")]
    write(score.source, rows)
    exact, _ = score("reward=accuracy")
    assert exact.metrics["rewards/accuracy/mean"] == pytest.approx(1 / 3)  # the grader that the rows name
    with pytest.raises(ResumeError, match=r"stage\.grader"):
        score("reward=accuracy", "stage.grader=math")
    for path in score.output.parent.glob("out.jsonl*"):
        path.unlink()
    values, found = score("reward=accuracy", "stage.grader=math")
    assert values.metrics["rewards/accuracy/mean"] == pytest.approx(2 / 3)
    assert [each["scores"]["accuracy"]["value"] for each in found] == [1.0, 1.0, 0.0]


def test_an_error_is_null_and_counted_and_stops_above_the_rate(score):
    write(score.source, [row(0, "5"), row(1, "5", gold=None), row(2, "6")])
    with pytest.raises(
        RewardError, match=r"'accuracy' failed on 1 of 3 rows, more than reward\.max_error_rate=0"
    ):
        score()
    result, found = score("reward.max_error_rate=0.5")  # the same output: what is borne may change
    assert [each["reward"] for each in found] == [2.0, None, 1.0]
    assert found[1]["scores"]["accuracy"]["status"] == "error"
    assert (result.metrics["rewards/accuracy/error_rate"], result.metrics["dropped"]) == (1 / 3, 1 / 3)


def test_a_broken_row_is_named_after_those_before_it_are_written(score):
    write(score.source, [row(0, "5"), row(1, "5"), {"problem": {}}, row(3, "5")])
    with pytest.raises(DataError, match=r"in\.jsonl:3: problem has no 'id'"):
        score()
    assert [each["id"] for each in read_jsonl(score.output)] == ["p0", "p1"]
    write(score.source, [row(0, "5"), row(1, "5"), row(2, "6"), row(3, "5")])  # mended
    _, found = score()
    assert [each["id"] for each in found] == ["p0", "p1", "p2", "p3"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"completion": None}, "completion=None is no text; a row is"),
        ({"prefil": "x"}, "unknown key 'prefil'; did you mean 'prefill'"),
        ({"token_ids": "1"}, "token_ids must be a list of whole numbers"),
        ({"finish_reason": "abort"}, 'finish_reason=\'abort\' must be "stop" or "length"'),
        ({"prefill": 5}, "prefill=5 is no text"),
    ],
)
def test_what_a_row_must_be(score, change, says):
    write(score.source, [row(0, "5") | change])
    with pytest.raises(DataError, match=f"in.jsonl:1: {says}"):
        score()


def test_an_unknown_grader_is_named_with_its_line(score):
    bad = row(1, "5")
    bad["problem"]["grader"] = "exakt"
    write(score.source, [row(0, "5"), bad])
    with pytest.raises(
        DataError, match=r"in\.jsonl:2: unknown grader of problem 'p1', 'exakt'; did you mean 'exact'"
    ):
        score()


def test_other_rewards_are_refused_for_an_output_that_was_begun(score):
    write(score.source, [row(0, "5")])
    score()
    with pytest.raises(ResumeError, match=r"reward\.components\.format\.weight is 1\.0 there and 0\.5 here"):
        score("reward.components.format.weight=0.5")
    _, found = score("reward.components.format.weight=0.5", "resume=none")
    assert found[0]["reward"] == 1.5
    assert (score.output.parent / "out.jsonl.old-1").exists()


def test_wrong_paths(score, tmp_path):
    with pytest.raises(DataError, match=r"stage\.input=.*in\.jsonl: there is no such file"):
        score()
    with pytest.raises(ConfigError, match="is the input; name another file"):
        score(f"stage.output={score.source}")
    score.source.write_text("{}\n")
    (tmp_path / "link.jsonl").symlink_to(score.source)
    for other in (f"{tmp_path}/../{tmp_path.name}/{score.source.name}", tmp_path / "link.jsonl"):
        before = score.source.read_bytes()
        with pytest.raises(ConfigError, match="is the input; name another file"):
            score(f"stage.output={other}", "resume=none")
        assert score.source.read_bytes() == before
    with pytest.raises(ConfigError, match=r"is a folder; name a \.jsonl file in it"):
        score(f"stage.output={tmp_path}")
    score.source.write_text("\n\n")
    with pytest.raises(DataError, match="holds no rows"):
        score()


def test_hostile_text_does_not_break_the_output(score):
    texts = ["\ud800", "a\u2028b\x00", "</answer>" * 1000, "<think>" * 5000]
    write(score.source, [row(i, "", completion=text) for i, text in enumerate(texts)])
    _, found = score()
    assert len(found) == len(texts)


def test_the_tokenizer_is_given_no_text_that_it_cannot_encode(score):
    write(score.source, [row(0, "", completion="a\ud800b"), row(1, "5")])
    _, found = score("stage.tokenize=true")
    assert [each["reward"] for each in found] == [0.0, 2.0]


def test_the_prefill_is_part_of_what_is_parsed():
    read = StoredCompletions(R1Zero(R1Zero.Config(prefill="<think>"))).read
    line = row(0, "", completion=" hm </think> <answer> 5 </answer>")
    del line["prefill"]
    sample = read(json.dumps(line).encode(), "x")
    assert (sample.prefill, sample.parsed.well_formed) == ("<think>", True)
    assert sample.prompt_text.endswith("Assistant: <think>")
    other = read(json.dumps(line | {"prefill": ""}).encode(), "x")
    assert (other.prefill, other.parsed.well_formed) == ("", False)
    assert other.prompt_text.endswith("Assistant: ")


def test_token_ids_are_those_of_the_row_or_of_the_tokenizer():
    read = StoredCompletions(R1Zero(R1Zero.Config()), lambda text: list(text.encode())).read
    assert read(json.dumps(row(0, "", completion="ab")).encode(), "x").completion.token_ids == (97, 98)
    stored = read(
        json.dumps(row(0, "", completion="ab", token_ids=[7], finish_reason="length")).encode(), "x"
    )
    assert (stored.completion.token_ids, stored.completion.finish_reason) == ((7,), "length")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(score):
    def peak(rows):
        write(score.source, [row(i, "5", completion="x" * 4000) for i in range(rows)])
        gc.freeze()  # or the collector lets garbage lie for the sake of what earlier tests keep
        tracemalloc.start()
        score.unread("resume=none", "stage.batch_rows=32")
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        gc.unfreeze()
        return top

    peak(100)  # imports
    # 1,000 rows of 4 kB are 4 MB; a batch of 32 is 128 kB
    assert peak(1000) < peak(100) + 1_000_000
