"""The paper's pipelines: every step validates, with the recipe's numbers (arXiv:2501.12948v2)."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from functools import cache

import pytest
from omegaconf import OmegaConf

from r1light.config.compose import Source, compose_jobs
from r1light.config.convert import convert
from r1light.config.pipeline_schema import PipelineSpec
from r1light.config.search_path import conf_dir
from r1light.config.validate import validate
from r1light.core.registry import registry
from r1light.stages import stage_module
from r1light.training.supervised_options import SupervisedOptions

STUDENTS = {  # v2, Table 6
    "qwen_1_5b": ("${input:qwen_math_1_5b}", 1e-4),  # the base itself has a context of 4,096 tokens
    "qwen_7b": ("${input:qwen_math_7b}", 8e-5),
    "qwen_14b": ("Qwen/Qwen2.5-14B", 7e-5),
    "qwen_32b": ("Qwen/Qwen2.5-32B", 6e-5),
    "llama_8b": ("meta-llama/Llama-3.1-8B", 5e-5),
    "llama_70b": ("meta-llama/Llama-3.3-70B-Instruct", 2e-5),
}
REWARDS_OF_ALL = ["accuracy", "format", "language", "helpfulness", "harmlessness"]


@pytest.fixture(autouse=True)
def real_components(monkeypatch):
    monkeypatch.setattr("r1light.config.validate.registry", registry)


@cache
def pipeline(name):
    for kind in ("output", "metric", "input"):
        back = "${" + kind + ":{}}"
        OmegaConf.register_new_resolver(
            kind, lambda word, back=back: back.replace("{}", word, 1), replace=True
        )
    (plain,) = compose_jobs([], Source(config_name=f"pipeline/{name}"), multirun=False).jobs
    return convert(PipelineSpec, plain["pipeline"], "pipeline")


@cache
def step(key, name="r1"):
    """A step's validated configuration, inputs that have a path in their places."""
    spec = pipeline(name).steps[key]
    words = [f"stage={spec.stage}", *(f"{group}={choice}" for group, choice in spec.groups.items())]
    words += [f"++{path}={literal(given(value, name))}" for path, value in leaves(spec.options)]
    (plain,) = compose_jobs(words, Source(), multirun=False).jobs
    return validate(plain, stage_module)


def leaves(value, path=""):
    for key, item in value.items():
        if isinstance(item, dict):
            yield from leaves(item, f"{path}{key}.")
        else:
            yield f"{path}{key}", item


def given(value, name):
    if isinstance(value, list):
        return [given(item, name) for item in value]
    if not isinstance(value, str):
        return value
    inputs = pipeline(name).inputs
    return re.sub(r"\$\{input:(\w+)\}", lambda found: inputs[found[1]].path or found[0], value)


def literal(value):
    if isinstance(value, list):
        return f"[{','.join(map(literal, value))}]"
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


def references(spec, kind):
    return set(re.findall(rf"\$\{{{kind}:(\w+)", json.dumps(asdict(spec))))


def test_every_pipeline_file_composes_alone_or_is_a_part():
    files = {path.stem for path in (conf_dir() / "pipeline").glob("*.yaml")}
    assert {"r1", "r1_zero", "distill"} <= files
    for name in ("r1", "r1_zero", "distill"):
        spec = pipeline(name)
        assert spec.name == name
        for key, each in spec.steps.items():
            assert references(each, "output") | references(each, "metric") <= spec.steps.keys() - {key}
            assert references(each, "input") <= spec.inputs.keys()


def test_every_input_is_read_and_said_what_it_is():
    for name in ("r1", "r1_zero", "distill"):
        spec = pipeline(name)
        read = set().union(*(references(each, "input") for each in spec.steps.values()))
        assert read == spec.inputs.keys()
        assert all(len(each.what) > 3 for each in spec.inputs.values())
    given = {key: each.path for key, each in pipeline("r1").inputs.items() if each.path is not None}
    assert given == {
        "base": "deepseek-ai/DeepSeek-V3-Base",
        "judge_url": "http://localhost:8000/v1",
        "judge_model": "deepseek-ai/DeepSeek-V3",
    }


def test_parts_are_the_same_steps_as_in_the_whole():
    whole = pipeline("r1").steps
    for key, each in pipeline("r1_zero").steps.items():
        assert each == whole[key]
    for key, each in pipeline("distill").steps.items():
        plain, other = asdict(each), asdict(whole[key])
        if each.stage == "distill":
            rows = plain["options"].pop("data"), other["options"].pop("data")
            assert [list(one["sources"]) for one in rows] == [["rows"], ["rejection", "general"]]
        assert plain == other


def test_the_graph_is_that_of_figure_2():
    steps = pipeline("r1").steps
    model = {key: each.options.get("model", {}).get("path") for key, each in steps.items()}
    assert model["zero_start"] == model["dev1"] == model["dev3"] == "${input:base}"
    assert model["zero"] == "${output:zero_start.model}"
    assert model["cold_start"] == "${output:zero.model}"
    assert model["reasoning"] == "${output:dev1.model}"
    assert model["rejection"] == model["general"] == "${output:reasoning.model}"
    assert model["r1"] == model["pairs"] == model["helpful"] == model["safety"] == "${output:dev3.model}"
    assert {references(steps[key], "output") == {"rejection", "general"} for key in learners()} == {True}
    assert references(steps["r1"], "output") == {"dev3", "helpful", "safety"}
    assert pipeline("r1").story == ["base_eval", "zero_start", "zero", "dev1", "reasoning", "dev3", "r1"]


def learners():
    return ["dev3", *(f"distill_{student}" for student in STUDENTS)]


def test_every_model_is_evaluated():
    steps = pipeline("r1").steps
    trained = [key for key, each in steps.items() if each.stage in ("grpo", "sft", "distill")]
    for key in set(trained) - {"zero_start"}:
        for name in (f"{key}_eval", f"{key}_eval_16", f"{key}_eval_8"):
            assert steps[name].options["model"]["path"] == f"${{output:{key}.model}}"


# v2, 2.1, 3.2.1, 3.2.2, B.4.1 and F.1: learning rate, temperature, cap, updates, rewards
@pytest.mark.parametrize(
    ("key", "rate", "temperature", "cap", "updates", "rewards"),
    [
        ("zero_start", 3e-6, 1.0, 32_768, 8_192, REWARDS_OF_ALL[:2]),
        ("zero", 3e-6, 1.0, 65_536, 2_208, REWARDS_OF_ALL[:2]),
        ("reasoning", 3e-6, 1.0, 32_768, 10_400, REWARDS_OF_ALL[:3]),
        ("r1", 3e-6, 0.7, 32_768, 1_696, REWARDS_OF_ALL),
        ("student_rl", 1e-6, 1.0, 32_768, 10_000, REWARDS_OF_ALL[:2]),
    ],
)
def test_reinforcement_learning_is_the_papers(key, rate, temperature, cap, updates, rewards):
    config = step(key)
    options = config.stage
    assert (options.lr, options.temperature, options.max_tokens, options.updates) == (
        rate, temperature, cap, updates,
    )  # fmt: skip
    assert [spec.key for spec in config.reward.components] == rewards
    # 512 questions x 16 outputs = 8,192 a rollout, in 16 minibatches of 512
    assert (options.prompts_per_iteration, options.group_size, options.minibatches) == (512, 16, 16)
    assert (options.inner_epochs, options.reference_reset_updates) == (1, 400)
    loss = options.loss_options
    assert (loss.kl_coefficient, loss.clip_low, loss.clip_high) == (0.001, 10.0, 10.0)


def test_r1_zero_lengthens_at_update_8200_of_10400():
    first, second = step("zero_start").stage, step("zero").stage
    # 8,200 / 16 = 512.5 iterations: 512 before, and 650 - 512 = 138 after
    assert first.iterations == 8_200 // 16 == 512
    assert first.updates + second.updates == 10_400
    assert step("zero").fingerprint != step("zero_start").fingerprint


def test_preferences_are_of_the_last_400_updates():
    options = step("r1").stage
    assert options.preference_updates == 400
    assert (options.iterations - options.preference_switch + 1) * options.updates_per_iteration == 400


def test_rl_data_are_as_many_as_in_table_4():
    # math 26k, code 17k + 8k, STEM 22k, logic 15k; general 66k + 12k
    wanted = {"math": 26_000, "code": 25_000, "stem": 22_000, "logic": 15_000}
    for key in ("zero_start", "zero", "cold_start", "reasoning", "rejection", "student_rl"):
        data = step(key).data
        assert {name: part["limit"] for name, part in data.config.sources.items()} == wanted
        assert len(data.decontaminate.against) == 5
    sources = step("r1").data.config.sources
    assert {name: part["limit"] for name, part in sources.items()} == wanted | {"general": 78_000}
    assert all("weight" not in part for part in sources.values())
    assert sources["general"]["columns"]["meta"] == ["preference"]


# v2, B.4.2, B.4.3 and Table 6
@pytest.mark.parametrize("key", ["dev1", *learners()])
def test_fine_tuning_is_the_papers(key):
    config = step(key)
    options = config.stage
    assert isinstance(options, SupervisedOptions)
    assert (options.epochs, options.batch_size, options.max_length) == (2, 64, 32_768)
    assert (options.lr_schedule, options.lr_floor, options.too_long) == ("cosine", 0.1, "skip")
    path, rate = STUDENTS.get(key.removeprefix("distill_"), ("deepseek-ai/DeepSeek-V3-Base", 5e-6))
    assert (config.model.config.path, options.lr) == (path, rate)


# v2, 3.1: batch 256, 6e-6, 1 epoch, 8,192 tokens
@pytest.mark.parametrize(
    ("key", "head", "rows"), [("helpful", "pairwise", 66_000), ("safety", "pointwise", 106_000)]
)
def test_reward_models_are_the_papers(key, head, rows):
    config = step(key)
    options = config.stage
    assert (options.head, config.data.config.limit) == (head, rows)
    assert (options.batch_size, options.lr, options.epochs, options.max_length) == (256, 6e-6, 1, 8_192)


def test_pairs_are_judged_as_the_paper_does():
    options = step("pairs").stage
    # 4 judgments, kept if the difference is above 1 (v2, 3.1)
    assert (options.curation, options.pairs.judgments, options.pairs.min_difference) == ("pairs", 4, 1.0)


def test_rows_are_drawn_as_the_paper_does():
    cold, rejection, general = (step(key) for key in ("cold_start", "rejection", "general"))
    assert (cold.stage.curation, cold.stage.temperature, cold.stage.cold_start.rewrite) == (
        "cold_start", 1.0, True,
    )  # fmt: skip
    assert cold.stage.limit == 10_000  # "thousands"
    assert rejection.stage.curation == "rejection"
    assert rejection.stage.rejection.readable.code_blocks is False
    # (26 + 25 + 22 + 15)k problems x 8 = 704k rows at most, of which about 600k came in the paper
    assert 88_000 * rejection.stage.rejection.keep == 704_000
    assert (general.stage.curation, general.data.config.limit) == ("general", 200_000)


# v2, D.1: k = 64 for AIME and GPQA, 16 for MATH and Codeforces, 8 for LiveCodeBench
@pytest.mark.parametrize(
    ("suffix", "k", "benchmarks"),
    [
        ("", 64, ["aime_2024", "gpqa_diamond"]),
        ("_16", 16, ["math_500", "codeforces"]),
        ("_8", 8, ["livecodebench"]),
    ],
)
def test_evaluation_is_the_papers(suffix, k, benchmarks):
    config = step(f"zero_eval{suffix}")
    options = config.stage
    assert (options.k, options.temperature, options.top_p, options.max_tokens) == (k, 0.6, 0.95, 32_768)
    assert (options.limit, options.split) == (None, "train")
    assert list(config.data.config.sources) == benchmarks
    assert all(part["test_share"] == 0.0 for part in config.data.config.sources.values())  # all rows
    assert config.template.name == "r1_zero"
    assert step(f"r1_eval{suffix}").template.name == "cold_start"


def test_questions_hold_by_the_papers_own_results():
    questions = pipeline("r1").questions
    assert list(questions) == ["rq1", "rq2", "rq3", "rq4", "rq5"]

    def least(question, check):
        return questions[question].checks[check].at_least

    # v2, 2.2, Tables 3, 15 and 16: each is the paper's own difference, or up to three points less
    for question, check, after, before in [
        ("rq1", "accuracy", 77.9, 15.6),
        ("rq2", "level", 72.6, 0.0),
        ("rq2", "teacher", 72.6, 79.8),
        ("rq2", "mathematics", 94.3, 97.3),
        ("rq4", "accuracy", 79.8, 77.9),
        ("rq4", "mathematics", 97.3, 95.9),
        ("rq4", "programs", 65.9, 50.0),
        ("rq5", "accuracy", 72.6, 47.0),
    ]:
        gain = (after - before) / 100
        assert gain - 0.03 < least(question, check) <= gain, (question, check)


def test_the_questions_numbers_are_of_steps_that_give_them():
    spec = pipeline("r1")
    for question in spec.questions.values():
        for check in question.checks.values():
            for value in filter(None, (check.after, check.before)):
                source, _, metric = value.metric.partition("/")
                if metric == "pass@1" and value.reaches is None:
                    assert source in spec.steps[value.step].options["data"]["sources"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["r1", "r1_zero", "distill"])
def test_every_step_validates_offline(name):
    for key, spec in pipeline(name).steps.items():
        assert step(key, name).stage_name == spec.stage
