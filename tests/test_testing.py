"""The contracts: the core's own components keep them, and each way to break one is said."""

import pytest

from r1light.api import Benchmark, DataError, Parsed, Problem, Prompt, Score, Verdict
from r1light.data.countdown import Countdown
from r1light.evaluation.tasks.generated import COUNTDOWN
from r1light.graders.exact import Exact
from r1light.graders.knights_and_knaves import KnightsAndKnaves
from r1light.rewards.format import Format
from r1light.rewards.repetition import Repetition
from r1light.templates.cold_start import ColdStart
from r1light.templates.plain import Plain
from r1light.templates.r1_zero import R1Zero
from r1light.testing import (
    PROBLEM,
    ContractError,
    check_data_source,
    check_grader,
    check_reward,
    check_task,
    check_template,
)


def test_the_cores_own_components_keep_their_contracts():
    check_reward(lambda: Repetition(Repetition.Config()))
    check_reward(Format)
    check_grader(lambda: Exact(Exact.Config()), PROBLEM, ["5", " 5. "], ["6", "5 or 6"])
    island = Problem("1", "?", "knights_and_knaves", "(1) Zoey is a knight", meta={"names": ["Zoey"]})
    right, wrong = ["Zoey is a knight", "**Zoey**: Knight"], ["Zoey is a knave"]
    check_grader(lambda: KnightsAndKnaves(KnightsAndKnaves.Config()), island, right, wrong)
    options = Countdown.Config(train_size=50, test_size=20)
    check_data_source(lambda split: Countdown(options, split))
    check_task(lambda: COUNTDOWN(COUNTDOWN.Config(test_size=20)), "countdown")


@pytest.mark.parametrize("prefill", ["", "<think>"])
@pytest.mark.parametrize("template", [Plain, R1Zero])
def test_the_cores_own_templates_keep_their_contract(template, prefill):
    check_template(lambda: template(template.Config(prefill=prefill)))
    check_template(lambda: ColdStart(ColdStart.Config()))


def counting():
    """Scores that depend on what was asked before."""
    asked = []

    def reward(samples):
        asked.extend(samples)
        return [Score.ok(len(asked)) for _ in samples]

    return reward


def raising(samples):
    return [Score.ok(1 / len(sample.completion.text)) for sample in samples]


@pytest.mark.parametrize(
    ("make", "broken"),
    [
        (lambda: lambda samples: [Score.ok(1.0)], r"one Score a sample: 1 for 13 samples"),
        (lambda: lambda samples: [1.0 for _ in samples], r"scores are of type Score: 1.0 for ''"),
        (lambda: lambda samples: [Score.error("no") for _ in samples], r"no text is an error: 'no' for ''"),
        (lambda: lambda samples: [Score.ok(float("nan")) for _ in samples], r"scores are finite: ''"),
        (counting, r"the same samples score the same when asked twice"),
        (lambda: lambda samples: [Score.ok(i) for i, _ in enumerate(samples)], r"the order of the samples"),
        (lambda: lambda samples: [Score.ok(len(samples)) for _ in samples], r"on the other samples"),
        (lambda: raising, r"raising: nothing is raised for the samples of HOSTILE: ZeroDivisionError"),
    ],
)
def test_a_reward_that_breaks_its_contract(make, broken):
    with pytest.raises(ContractError, match=broken):
        check_reward(make)


class Lenient(Exact):
    """Says that everything is right."""

    def grade(self, problem, answer):
        return Verdict(1.0)


class Failing(Exact):
    def grade(self, problem, answer):
        return Verdict(None, "error", "too long") if len(answer) > 100 else super().grade(problem, answer)


class Backwards(Exact):
    def grade_many(self, items):
        return super().grade_many(items)[::-1]


class Voter(Exact):
    def canonical(self, problem, answer):
        return answer


@pytest.mark.parametrize(
    ("grader", "broken"),
    [
        (Lenient, r"Lenient: wrong answers are so: '6'"),
        (Failing, r"an answer is judged: error \(too long\), '<answer>"),
        (Backwards, r"grade_many is grade on each, in their order"),
        (Voter, r"right answers have one canonical text"),
    ],
)
def test_a_grader_that_breaks_its_contract(grader, broken):
    with pytest.raises(ContractError, match=broken):
        check_grader(lambda: grader(grader.Config()), PROBLEM, ["5", "5."], ["6"])


class Form:
    """A template that keeps its contract, to be broken one method at a time."""

    def render(self, problem):
        return Prompt(problem.prompt + "<", "<")

    def parse(self, prefill, text):
        whole = prefill + text
        return Parsed(None, whole, whole.startswith("<") and len(whole) > 1)


class Silent(Form):
    def render(self, problem):
        return Prompt("Go on <", "<")


class Blind(Form):
    def parse(self, prefill, text):
        return Parsed(None, text, bool(text))


class Generous(Form):
    def parse(self, prefill, text):
        return Parsed(None, prefill + text, True)


class Fragile(Form):
    def parse(self, prefill, text):
        return super().parse(prefill, text.encode("ascii").decode())


class Forger(Form):
    def compose(self, prefill, thinking, answer):
        if answer != "5":
            raise DataError("no")
        return answer


@pytest.mark.parametrize(
    ("template", "broken"),
    [
        (Silent, r"Silent: the prompt holds the question 'What is 2\+3\?'"),
        (Blind, r"the prefill is read as if the model had written it: ''"),
        (Generous, r"an empty completion is not well formed"),
        (Fragile, r"nothing is raised for parse of '\\x00"),
        (Forger, r"compose is read back: '5'"),
    ],
)
def test_a_template_that_breaks_its_contract(template, broken):
    check_template(Form)
    with pytest.raises(ContractError, match=broken):
        check_template(template)


class Source:
    """A data source that keeps its contract, with what is to be other in it."""

    def __init__(self, split, ids=("1", "2"), size=2, prompt="", meta=None):
        self.split, self.ids, self.size, self.prompt, self.meta = split, ids, size, prompt, meta or {}

    def __len__(self):
        return self.size

    def __iter__(self):
        for each in self.ids:
            prompt = self.prompt or f"{self.split} {each}"
            yield Problem(each, prompt, "exact", answer=each, meta=self.meta)


class Once(Source):
    def __iter__(self):
        yield from super().__iter__()
        self.ids = ()


@pytest.mark.parametrize(
    ("make", "broken"),
    [
        (lambda split: Source(split, ids=()), r"Source \(train\): there are problems"),
        (lambda split: Source(split, ids=("1", "1")), r"ids are unique"),
        (lambda split: Source(split, size=3), r"len is 3 for 2 problems"),
        (lambda split: Source(split, prompt="same"), r"no prompt is in both splits: \['same'\]"),
        (lambda split: Source(split, meta={"set": {1}}), r"writing the meta of '1' as JSON: TypeError"),
        (Once, r"a second pass gives the same problems"),
    ],
)
def test_a_data_source_that_breaks_its_contract(make, broken):
    check_data_source(Source, Exact(Exact.Config()))
    with pytest.raises(ContractError, match=broken):
        check_data_source(make)


def test_a_reference_answer_that_the_grader_refuses_is_named():
    with pytest.raises(ContractError, match=r"takes the reference answer: '1', Verdict\(score=None"):
        check_data_source(lambda split: Source(split, ids=("1",), size=1), Refusing(Exact.Config()))


class Refusing(Exact):
    def grade(self, problem, answer):
        return Verdict(None, "error", "no")


def test_a_task_that_breaks_its_contract():
    class Task(Source):
        about = None

    with pytest.raises(ContractError, match=r"`about` is a Benchmark: None"):
        check_task(lambda: Task("test"), "mine")
    Task.about = Benchmark("Mine", k=1)
    with pytest.raises(ContractError, match=r"ids begin with the task's name: '1'"):
        check_task(lambda: Task("test"), "mine")
