import importlib.util
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from itertools import pairwise
from pathlib import Path

import pytest

from r1light.core.types import Problem, Verdict
from r1light.graders import math_worker
from r1light.graders.answer_text import read_answer
from r1light.graders.math import Math
from r1light.graders.math_worker import judge
from r1light.graders.worker_pool import PoolSpec, WorkerPool


def cases():
    """The labelled cases, from the file beside this one (tests are no package)."""
    spec = importlib.util.spec_from_file_location("math_cases", Path(__file__).with_name("math_cases.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.RIGHT, module.WRONG


def gold(answer):
    return Problem(id="p", prompt="", grader="math", answer=answer)


@pytest.fixture(scope="module")
def grader():
    grader = Math(Math.Config(deadline_seconds=20.0))
    yield grader
    grader.close()


@pytest.mark.parametrize(("index", "score"), [(0, 1.0), (1, 0.0)])
def test_labelled_answers(grader, index, score):
    labelled = cases()[index]
    verdicts = grader.grade_many([(gold(reference), answer) for reference, answer in labelled])
    assert len(labelled) >= 80
    missed = [
        (case, verdict) for case, verdict in zip(labelled, verdicts, strict=True) if verdict.score != score
    ]
    assert missed == []


def test_single_and_batch_agree_in_any_order(grader):
    right, wrong = cases()
    sample = right[::9] + wrong[::9]
    batch = grader.grade_many([(gold(reference), answer) for reference, answer in sample])
    backwards = grader.grade_many([(gold(reference), answer) for reference, answer in reversed(sample)])
    assert batch == list(reversed(backwards))
    assert [grader.grade(gold(reference), answer) for reference, answer in sample] == batch


def test_plain_numbers_and_words_start_no_worker():
    grader = Math(Math.Config())
    plain = [(gold(str(n)), f"The answer is \\boxed{{{n + n % 2}}}.") for n in range(2000)]
    start = time.perf_counter()
    verdicts = grader.grade_many(plain)
    seconds = time.perf_counter() - start
    assert [verdict.score for verdict in verdicts] == [float(n % 2 == 0) for n in range(2000)]
    assert grader.grade(gold("42"), "no idea at all").score == 0.0
    assert grader.pool.pids == []
    assert seconds < 2.0
    grader.close()


@pytest.mark.parametrize("reference", [r"\frac{1}{", "", "   ", r"\foo{3}{4", "$"])
def test_an_unreadable_reference_is_an_error_even_for_itself(grader, reference):
    verdict = grader.grade(gold(reference), reference)
    assert verdict.status == "error"
    assert verdict.score is None
    assert "reference answer" in verdict.detail


def test_a_missing_reference_is_an_error(grader):
    assert grader.grade(gold(None), "42").status == "error"


def test_the_reference_comes_first(grader):
    # an answer may name the variable that the reference leaves out, and an equation is no number
    assert grader.grade(gold("5"), "x=5").correct
    assert not grader.grade(gold("x+y=5"), "5").correct


def test_long_and_deep_answers_are_wrong_without_a_worker():
    grader = Math(Math.Config())
    hostile = [
        "{" * 50_000 + "}" * 50_000,
        r"\frac{1}{" * 500 + "2" + "}" * 500,
        "5^{5^{5^{5}}}",
        "5^5^5^5",
        "9^{9^{99}}",
        "x^{9999999}",
        "(" * 60 + "x" + ")" * 60,
        "123456!",
    ]
    start = time.perf_counter()
    verdicts = grader.grade_many([(gold("x+1"), answer) for answer in hostile])
    assert all(verdict.score == 0.0 and verdict.detail for verdict in verdicts)
    assert grader.pool.pids == []
    assert time.perf_counter() - start < 1.0


@pytest.mark.parametrize(
    "text", ["5" * 1_000_000, "\\boxed{" * 140_000, "$" * 1_000_000, "answer is " * 100_000]
)
def test_megabyte_answers_cost_nothing(grader, text):
    start = time.perf_counter()
    assert grader.grade(gold("x+1"), text).score == 0.0
    assert time.perf_counter() - start < 0.5


def test_longest_answers_are_read_in_linear_time():
    # 4096 characters each, the default cap, of what regular expressions like least
    grader = Math(Math.Config())
    hard = [
        "answer is " * 409,
        "a " * 2048,
        "1," * 2048,
        "so " * 1365,
        "$x$ " * 1024,
        "\\text{" * 682,
        "1 " * 2048,
    ]
    hard += [
        "\\( " * 1365,
        " and " * 819,
        "\\boxed{" * 585,
        "-" * 4096,
        "." * 4096,
        " " * 4095 + "x",
        "1/" * 2048,
    ]
    for text in hard:
        start = time.perf_counter()
        read_answer(text)
        assert time.perf_counter() - start < 0.25, text[:20]
    grader.close()


def test_an_answer_beyond_its_deadline_is_wrong_and_the_others_are_kept():
    grader = Math(Math.Config(deadline_seconds=2.0))
    # 9^(9^9) has 370 million digits: sympy computes until it is killed or out of memory
    items = [
        (gold("x+1"), "1+x"),
        (gold("10"), "9^{9^{9}}+y"),
        (gold(r"\sqrt{18}"), r"3\sqrt{2}"),
        (gold("x+2"), "x+3"),
    ]
    start = time.perf_counter()
    verdicts = grader.grade_many(items)
    seconds = time.perf_counter() - start
    assert [verdict.score for verdict in verdicts] == [1.0, 0.0, 1.0, 0.0]
    assert "deadline" in verdicts[1].detail or "twice" in verdicts[1].detail
    assert seconds < 60
    assert grader.grade(gold("x+3"), "3+x").correct  # the killed worker has been replaced
    grader.close()
    assert grader.pool.pids == []


def test_a_hanging_reference_is_an_error_not_a_wrong_answer(tmp_path):
    grader = fake_grader(tmp_path, "time.sleep(60)", deadline=0.5)
    verdict = grader.grade(gold("x+1"), "x+2")
    assert verdict.status == "error"
    assert "reference answer" in verdict.detail
    grader.close()


def test_no_worker_is_an_error_for_what_needs_one_only(tmp_path):
    grader = fake_grader(tmp_path, "pass", before_ready="sys.exit('broken on purpose')")
    verdicts = grader.grade_many([(gold("42"), "42"), (gold("x+1"), "1+x"), (gold("42"), "41")])
    assert [verdict.status for verdict in verdicts] == ["ok", "error", "ok"]
    assert "broken on purpose" in verdicts[1].detail


def test_equal_pairs_are_judged_once(tmp_path):
    # the fake worker says "right" to its first request and "wrong" to every later one
    grader = fake_grader(tmp_path, "say('right' if count == 0 else 'wrong')")
    first = grader.grade_many([(gold("x+1"), "1+x")] * 5)
    assert {verdict.score for verdict in first} == {1.0}
    assert grader.grade(gold("x+1"), "1+x").correct
    assert not grader.grade(gold("x+1"), "2+x").correct
    grader.close()


def fake_grader(tmp_path, on_request, before_ready="", deadline=10.0):
    """A grader whose workers run a script of the test's."""
    script = tmp_path / "fake_math.py"
    script.write_text(
        "import sys, time\n"
        "def say(line):\n    print(line, flush=True)\n"
        f"{before_ready}\nsay('ready')\n"
        "for count, line in enumerate(sys.stdin):\n" + textwrap.indent(on_request, "    ") + "\n"
    )
    spec = PoolSpec((sys.executable, str(script)), 1, deadline, 20.0)
    return Math(Math.Config(), pool=WorkerPool(spec))


@pytest.mark.parametrize(
    "values",
    [{"deadline_seconds": 0}, {"startup_seconds": -1}, {"workers": 0}, {"memory_mb": 1}, {"max_chars": 0}],
)
def test_config_refuses(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Math.Config(**values)


def test_worker_reports_how_far_it_got():
    notes = []
    assert judge("$x+1$", "$1+x$", notes.append) == "right"
    assert notes == ["~gold"]
    assert judge(r"$\frac{1}{$", "$1$", notes.append) == "gold"
    assert notes == ["~gold"]
    assert judge("$x$", r"$\frac{$", notes.append) == "unparsable"
    assert judge("$x$", "$z$", notes.append) == "wrong"


def test_the_worker_script_imports_neither_torch_nor_r1light():
    code = (
        "import runpy, sys; sys.argv = ['w', '1024', '5'];"
        "runpy.run_path(sys.orig_argv[-1], run_name='__main__');"
        "sys.stderr.write(str(sorted(m for m in sys.modules if m.split('.')[0] in ('torch', 'r1light'))))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, math_worker.__file__],
        input='["$x$", "$x$"]\n', capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["ready", "~gold", "right"]
    assert done.stderr.strip().endswith("[]")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_have_a_memory_limit():
    grader = Math(Math.Config(memory_mb=700, workers=1))
    assert grader.grade(gold("x+1"), "1+x").correct
    limits = (Path("/proc") / str(grader.pool.pids[0]) / "limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max address space"))
    assert str(700 * 2**20) in line
    grader.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_whose_parent_was_killed_ends_by_itself():
    code = (
        "import os, signal, threading\n"
        "from r1light.graders.math import Math; from r1light.core.types import Problem\n"
        "grader = Math(Math.Config(deadline_seconds=1.0, workers=1, memory_mb=4096))\n"
        "def grade(answer): grader.grade(Problem(id='p', prompt='', grader='math', answer='x+1'), answer)\n"
        "grade('1+x'); print(grader.pool.pids[0], flush=True)\n"
        "threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()\n"
        "grade('9^{9^{9}}+y')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    worker = Path("/proc") / done.stdout.strip() / "stat"
    give_up = time.monotonic() + 20  # the worker's own limit is 2 * 1.0 + 1 s
    while worker.exists() and ") Z " not in worker.read_text() and time.monotonic() < give_up:
        time.sleep(0.1)
    assert time.monotonic() < give_up


def test_importing_the_grader_is_light():
    code = "import sys, r1light.graders.math; print({'torch', 'sympy', 'math_verify'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"


def test_verdicts_of_a_batch_keep_their_order(grader):
    items = [
        (gold("x+1"), "1+x"),
        (gold("7"), "7"),
        (gold("x+1"), "x-1"),
        (gold("Anna"), "Bert"),
        (gold("7"), ""),
    ]
    assert [verdict.score for verdict in grader.grade_many(items)] == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert grader.grade_many([]) == []
    assert isinstance(grader.grade_many(items)[0], Verdict)


DATA = os.environ.get("R1LIGHT_SHARED_DATA")


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="R1LIGHT_SHARED_DATA names no folder of real data")
def test_real_references_are_right_against_themselves_and_wrong_against_others(grader):
    def rows(name):
        return [json.loads(line) for line in (Path(DATA) / name).read_text().splitlines()]

    answers = [row["answer"].rpartition("#### ")[2] for row in rows("gsm8k/test.jsonl")]
    answers += [row["answer"] for row in rows("math500/test.jsonl")]
    answers += [str(row["answer"]) for row in rows("math_train/train.jsonl")[::4]]
    itself = grader.grade_many([(gold(answer), answer) for answer in answers])
    missed = [answer for answer, verdict in zip(answers, itself, strict=True) if not verdict.correct]
    assert len(missed) <= 0.003 * len(answers), missed

    def bare(answer):
        return read_answer(answer.rpartition("=")[2])

    shifted = [(a, b) for a, b in pairwise(answers) if bare(a) != bare(b)]
    others = grader.grade_many([(gold(a), b) for a, b in shifted])
    assert [pair for pair, verdict in zip(shifted, others, strict=True) if verdict.correct] == []
