"""Reward functions of other trainers: what they are given, what they return, how they fail."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest

from r1light.core.errors import ConfigError, RewardError
from r1light.core.types import Message, Score
from r1light.rewards.mix import RewardMix, WeightedReward
from r1light.rewards.trl import Trl
from r1light.rewards.verl import Verl

PUBLISHED = Path(__file__).with_name("published_functions.py")


@pytest.fixture
def build():
    """Builds adapters; ends their processes after the test."""
    built = []

    def make(kind, function, deadline=30.0, **options):
        built.append(kind(kind.Config(function=function, **options), deadline))
        return built[-1]

    yield make
    for reward in built:
        reward.close()


def values(scores):
    return [score.value for score in scores]


def alive(pid):
    """Whether a process of that id runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_functions_of_trls_documentation_run_unchanged(build, make_sample):
    samples = [
        make_sample("<think> 2+3 </think> <answer> 5 </answer>", tokens=7, meta={"task": "math"}, version=4),
        make_sample("so 6", tokens=2, meta={"task": "code"}, version=4),
    ]
    expected = {
        "by_tokens": [7.0, 2.0],
        "by_tokens_as_the_trainer_names_them": [7.0, 2.0],
        "by_characters": [41.0, 4.0],
        "same_as_reference": [1.0, 0.0],
        "only_maths": [1.0, None],
        "remote": [1.0, 1.0],
        "logs": [4.0, 4.0],
    }
    for name, wanted in expected.items():
        reward = build(Trl, f"{PUBLISHED}:{name}")
        assert values(reward(samples)) == wanted, name
        reward.close()
    assert values(build(Trl, f"{PUBLISHED}:chat_format", form="chat")(samples)) == [1.0, 0.0]


def test_functions_of_verls_documentation_run_unchanged(build, make_sample):
    samples = [make_sample("<think> 2+3 </think> <answer> 5 </answer>"), make_sample("<answer> 6 </answer>")]
    assert values(build(Verl, f"{PUBLISHED}:compute_score")(samples)) == [0.41, 0.2]
    assert values(build(Verl, f"{PUBLISHED}:strict_score")(samples)) == [1.0, 0.1]
    assert values(build(Verl, f"{PUBLISHED}:slow_judge")(samples)) == [0.5, 0.5]
    assert values(build(Verl, f"{PUBLISHED}:strict_score", kwargs={"format_score": 0.2})(samples)) == [
        1.0,
        0.2,
    ]
    assert build(Verl, f"{PUBLISHED}:score_and_more")(samples) == [
        Score.ok(1.0, "acc=True; from=sums"),
        Score.ok(0.0, "acc=False; from=sums"),
    ]


ECHO = """
    import json

    def trl(**kwargs):
        kwargs.pop("trainer_state"), kwargs.pop("log_metric")
        log_extra = kwargs.pop("log_extra")
        log_extra("got", [json.dumps(kwargs, sort_keys=True)] * len(kwargs["completions"]))
        return [None] * len(kwargs["completions"])

    def verl(data_source, solution_str, ground_truth, extra_info=None):
        given = json.dumps([data_source, solution_str, ground_truth, extra_info], sort_keys=True)
        return {"score": 0, "got": given}
"""


def got(score):
    return json.loads(score.detail.partition("got=")[2])


def test_what_a_trl_function_is_given(build, make_sample, function_file):
    of = function_file(ECHO)
    one = make_sample("yes", prefill="<think>", meta={"level": 3}, language="en", tokens=2)
    other = make_sample("no", meta={"solution": "because"})
    scores = build(Trl, of("trl"), columns={"gold": "answer", "hard": "meta.level"})([one, other])
    assert [score.status for score in scores] == ["abstain", "abstain"]
    given = got(scores[0])
    assert given["prompts"] == ["User: 2+3? Assistant:"] * 2  # the prefill belongs to the completion
    assert given["completions"] == ["<think>yes", "no"]
    assert given["completion_ids"] == given["completions_ids"] == [[0, 1], [0, 1, 2, 3]]
    assert given["answer"] == given["ground_truth"] == given["gold"] == ["5", "5"]
    assert given["solution"] == ["5", "because"]
    assert given["level"] == given["hard"] == [3, None]
    assert (given["language"], given["id"]) == (["en", None], ["sums/1"] * 2)
    assert "prompt" not in given
    without = got(build(Trl, of("trl"), prefill=False)([one])[0])
    assert (without["prompts"], without["completions"]) == (["User: 2+3? Assistant:<think>"], ["yes"])


def test_conversations(build, make_sample, function_file):
    talk = (Message("system", "Be brief."), Message("user", "2+3?"))
    reward = build(Trl, function_file(ECHO)("trl"), form="chat")
    given = got(reward([make_sample("5", prompt=talk), make_sample("5")])[0])
    assert given["prompts"] == [
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+3?"}],
        [{"role": "user", "content": "2+3?"}],
    ]
    assert given["completions"][0] == [{"role": "assistant", "content": "5"}]


def test_what_a_verl_function_is_given(build, make_sample, function_file):
    of = function_file(ECHO)
    sample = make_sample(
        "yes", prefill="<think>", meta={"data_source": "gsm8k", "gold": {"is": 5}}, language="en"
    )
    meta = {"data_source": "gsm8k", "gold": {"is": 5}, "id": "sums/1", "language": "en"}
    assert got(build(Verl, of("verl"))([sample])[0]) == ["gsm8k", "<think>yes", "5", meta]
    chosen = build(Verl, of("verl"), ground_truth="meta.gold", prefill=False)
    assert got(chosen([sample])[0]) == ["gsm8k", "yes", {"is": 5}, meta]
    extra = make_sample(meta={"extra_info": {"index": 7}})
    assert got(build(Verl, of("verl"))([extra])[0])[3] == {"index": 7, "id": "sums/1", "language": None}


FAILING = """
    import math, os, sys, time

    def raises(completions, **kwargs):
        raise KeyError("no such column")

    def too_few(completions, **kwargs):
        return [1.0]

    def text(completions, **kwargs):
        return ["1.0"] * len(completions)

    def nan(completions, **kwargs):
        return [math.nan] * len(completions)

    def needs(completions, level, **kwargs):
        return level

    def asks(completions, trainer_state, **kwargs):
        return [trainer_state.epoch]

    def dies(completions, **kwargs):
        os._exit(3)

    def prints(completions):
        print("debugging " * 10000)
        os.write(1, b"from C code")
        return [1] * len(completions)

    def sometimes(data_source, solution_str, ground_truth, extra_info=None):
        if "bad" in solution_str:
            raise ValueError("bad one")
        if "hang" in solution_str:
            time.sleep(60)
        if "none" in solution_str:
            return None
        return 1

    def no_score(data_source, solution_str, ground_truth, extra_info=None):
        return {"acc": 1}

    def innermost():
        while True:
            pass

    def nothing(completions, **kwargs):
        pass

    def one_text(completions, **kwargs):
        return "ab"

    def hangs(completions, **kwargs):
        innermost()

    not_a_function = 3
"""


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("raises", "raised KeyError: 'no such column'"),
        ("too_few", "ValueError: returned 1 rewards for 2 completions"),
        ("text", "TypeError: returned the text '1.0' where a number belongs"),
        ("one_text", "TypeError: returned 'ab' where a list of 2 rewards belongs"),
        ("nothing", "TypeError: returned None where a list of 2 rewards belongs"),
        ("needs", "TypeError: the function needs level; it can have answer, completion_ids, completions"),
        ("asks", "AttributeError: trainer_state.epoch is not known here; trainer_state.global_step is"),
        ("nan", "returned nan, which is not finite"),
        ("dies", "died: exit status 3"),
    ],
)
def test_a_failure_is_an_error_of_its_batch_and_never_a_zero(
    function, says, build, make_sample, function_file
):
    reward = build(Trl, function_file(FAILING)(function))
    mix = RewardMix([WeightedReward("mine", reward)], max_error_rate=1.0)
    for _ in range(2):  # the second call finds a process again
        mixed = mix.score([make_sample()] * 2)
        assert mixed.totals == (None, None)
        assert says in mixed.scores["mine"][0].detail


DIES_ONCE = """
import os, pathlib

def dies_once(completions, **kwargs):
    flag = pathlib.Path(__file__).with_name("died")
    if not flag.exists():
        flag.touch()
        os._exit(3)
    return [0.5] * len(completions)
"""


def test_what_a_process_that_dies_had_in_hand_is_done_again(build, make_sample, function_file, caplog):
    reward = build(Trl, function_file(DIES_ONCE)("dies_once"))
    assert values(reward([make_sample()] * 2)) == [0.5, 0.5]
    assert "died: exit status 3; asked again in a new one" in caplog.text


def test_too_many_errors_stop_the_run_with_the_functions_own_traceback(build, make_sample, function_file):
    reward = build(Trl, function_file(FAILING)("raises"))
    mix = RewardMix([WeightedReward("mine", reward)], max_error_rate=0.1, min_samples=2)
    with pytest.raises(RewardError) as caught:
        mix.score([make_sample()] * 2)
    assert "reward 'mine' failed on 2 of 2 samples" in str(caught.value)
    assert 'my_reward.py", line 5, in raises' in str(caught.value)


def test_what_a_function_prints_harms_nothing(build, make_sample, function_file):
    reward = build(Trl, function_file(FAILING)("prints"))
    assert values(reward([make_sample()] * 2)) == [1.0, 1.0]
    assert values(reward([make_sample()])) == [1.0]


def test_one_bad_completion_costs_itself_alone(build, make_sample, function_file):
    reward = build(Verl, function_file(FAILING)("sometimes"), deadline=0.5)
    scores = reward([make_sample(text) for text in ("good", "bad", "hang", "none", "good")])
    assert [score.status for score in scores] == ["ok", "error", "error", "abstain", "ok"]
    assert "ValueError: bad one" in scores[1].detail
    assert "in sometimes" in scores[1].detail
    assert "killed at its deadline of 0.5 s" in scores[2].detail
    assert "in sometimes" in scores[2].detail  # where it hung
    assert (
        "without 'score': its keys are acc"
        in build(Verl, function_file(FAILING)("no_score"))([make_sample()])[0].detail
    )


def test_a_hang_is_killed_and_told_and_the_third_in_a_row_ends_the_run(build, make_sample, function_file):
    reward = build(Trl, function_file(FAILING)("hangs"), deadline=0.3)
    mix = RewardMix([WeightedReward("mine", reward)], max_error_rate=1.0)
    for _ in range(2):
        pid = reward.function.pid
        mixed = mix.score([make_sample()] * 2)
        assert "killed at its deadline of 0.3 s" in mixed.scores["mine"][0].detail
        assert pid is None or not alive(pid)
    with pytest.raises(RewardError) as caught:
        mix.score([make_sample()] * 2)
    assert "3 times in a row" in str(caught.value)
    assert "in innermost" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert reward.function.pid is None


def test_an_interrupt_leaves_no_reply_behind_for_the_next_call(
    build, make_sample, function_file, monkeypatch
):
    code = """
        import time

        def f(completions):
            time.sleep(0.3 if "slow" in completions[0] else 0.0)
            return [float(len(text)) for text in completions]
    """
    reward = build(Trl, function_file(code)("f"))
    wait = reward.function._reply

    def interrupted(worker):
        monkeypatch.setattr(reward.function, "_reply", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(reward.function, "_reply", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reward([make_sample("slow")])
    time.sleep(0.4)
    assert values(reward([make_sample("ab")])) == [2.0]


CHILDREN = """
    import subprocess, sys, time

    def spawns(completions, **kwargs):
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        child = subprocess.Popen(command, start_new_session={own})
        with open({path!r}, "w") as file:
            file.write(str(child.pid))
        time.sleep(60)
"""


@pytest.mark.parametrize("own_session", [False, True])
def test_what_a_function_started_is_killed_with_it(build, make_sample, function_file, tmp_path, own_session):
    path = tmp_path / "pid"
    code = CHILDREN.replace("{path!r}", repr(str(path))).replace("{own}", str(own_session))
    reward = build(Trl, function_file(code)("spawns"), deadline=2.0)
    mix = RewardMix([WeightedReward("mine", reward)], max_error_rate=1.0)
    mix.score([make_sample()])
    child = int(path.read_text())
    until = time.monotonic() + 5
    while alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(child)


def test_closing_ends_the_process(make_sample):
    with closing(Trl(Trl.Config(function=f"{PUBLISHED}:by_characters"), 30.0)) as reward:
        pid = reward.function.pid
        assert alive(pid)
    assert not alive(pid)
    reward.close()


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("nowhere.py:f", "there is no file"),
        ("no_such_module_xyz:f", "does not load: ModuleNotFoundError: No module named 'no_such_module_xyz'"),
        ("math:no_such_function", "does not load: AttributeError"),
        ("math:pi", "does not load: TypeError: math:pi is float, and no function"),
    ],
)
def test_what_does_not_load_is_told_in_one_line_before_anything_runs(reference, says, build):
    for kind in (Trl, Verl):
        with pytest.raises(ConfigError) as caught:
            build(kind, reference)
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_that_fails_or_ends_its_process_when_imported_does_not_load(build, function_file):
    for code, says in (
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("def f(", "SyntaxError"),
    ):
        with pytest.raises(ConfigError, match=says):
            build(Trl, function_file(code)("f"))
    with pytest.raises(ConfigError, match=r"not loaded after 0\.5 s, .* startup_seconds allows; it hung in "):
        build(Trl, function_file("import time; time.sleep(60)")("f"), startup_seconds=0.5)


def test_modules_and_files_find_what_lies_beside_them(build, make_sample, tmp_path, monkeypatch):
    (tmp_path / "lengths.py").write_text(
        "from sizes import size\ndef f(completions):\n    return list(map(size, completions))\n"
    )
    (tmp_path / "sizes.py").write_text("size = len\n")
    (tmp_path / "trl.py").write_text("def f(completions):\n    return [7] * len(completions)\n")
    assert values(build(Trl, f"{tmp_path}/lengths.py:f")([make_sample("abc")])) == [3.0]
    monkeypatch.chdir(tmp_path)
    assert values(build(Trl, "lengths:f")([make_sample("abc")])) == [3.0]
    assert values(build(Trl, "lengths.py:f")([make_sample("abc")])) == [3.0]
    assert values(build(Trl, "trl:f")([make_sample("abc")])) == [7.0]  # not the adapter's own file


@pytest.mark.parametrize("function", ["f", "a.py", ":f", "a.py:", "a.py:f()", "a:b-c"])
def test_a_reference_has_a_place_and_a_name(function):
    for kind in (Trl, Verl):
        with pytest.raises(ValueError, match=r"must be module:function or file\.py:function"):
            kind.Config(function=function)


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        (Trl, {"columns": {"gold": "anwser"}}, "'anwser' is no field of a problem"),
        (Verl, {"ground_truth": "anwser"}, "'anwser' is no field of a problem"),
        (Trl, {"startup_seconds": 0.0}, "must be above 0"),
        (Verl, {"startup_seconds": 0.0}, "must be above 0"),
    ],
)
def test_options_are_checked(kind, options, says):
    with pytest.raises(ValueError, match=says):
        kind.Config(function="a:f", **options)


def test_a_hanging_process_and_its_children_end_with_a_parent_that_was_killed(tmp_path):
    """As after a kill -9 in the middle of a call; the worker looks once a second."""
    path = tmp_path / "pid"
    hangs = tmp_path / "hangs.py"
    hangs.write_text(textwrap.dedent(CHILDREN.replace("{path!r}", repr(str(path))).replace("{own}", "True")))
    code = (
        "import threading\nfrom r1light.rewards.foreign import ForeignFunction\n"
        f"function = ForeignFunction({str(hangs) + ':spawns'!r}, 600.0, 60.0)\n"
        "print(function.pid, flush=True)\n"
        "function.call({'style': 'trl', 'step': 0, 'columns': {'completions': ['a'], 'prompts': ['b']}})\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        until = time.monotonic() + 60
        while not (path.exists() and path.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        child = int(path.read_text())
        parent.kill()
    until = time.monotonic() + 10
    while (alive(worker) or alive(child)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(worker)
    assert not alive(child)


def test_a_function_that_exits_says_so(build, make_sample, function_file):
    reward = build(Trl, function_file("import sys\ndef f(completions):\n    sys.exit(3)\n")("f"))
    mixed = RewardMix([WeightedReward("mine", reward)], max_error_rate=1.0).score([make_sample()])
    assert "SystemExit: 3" in mixed.scores["mine"][0].detail


def test_the_process_ends_with_its_parent(tmp_path):
    code = (
        "import os, sys\nfrom r1light.rewards.trl import Trl\n"
        f"reward = Trl(Trl.Config(function={str(PUBLISHED) + ':by_characters'!r}))\n"
        "print(reward.function.pid, flush=True)\n"
        "os._exit(0) if sys.argv[1] == 'at once' else None"
    )
    for how in ("at once", "in order"):
        done = subprocess.run(
            [sys.executable, "-c", code, how], capture_output=True, text=True, timeout=60, check=True
        )
        until = time.monotonic() + 5
        while alive(int(done.stdout)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not alive(int(done.stdout))
