"""Held-out figures in the course of training and those of stage=evaluate, of the same completions."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.manifest import start_manifest
from r1light.core.run_folder import RunFolder
from r1light.core.types import SamplingParams
from r1light.rollout.fake import Fake
from r1light.stages import build, stage_module
from r1light.stages.graders import Graders
from r1light.stages.measuring import measures
from r1light.training.held_out import HeldOut
from r1light.training.interrupt import Interrupt
from r1light.training.problems import PromptEncoder


def configured(script):
    """An evaluation of twelve sums, whose completions are scripted by the problems' ids."""
    register()
    lines = [
        "stage=evaluate",
        "trainer=cpu",
        "data=arithmetic",
        "data.test_size=12",
        "rollout=fake",
        "stage.k=1",
    ]
    (plain,) = compose_jobs(lines, Source("config", None, None), multirun=False).jobs
    config = validate(plain, stage_module)
    others = [" wait, so 1 </think> <answer> 1 </answer>"]
    return replace(config, rollout=replace(config.rollout, config=Fake.Config(script, others)))


def test_training_and_stage_evaluate_agree_on_the_same_completions(tmp_path):
    problems = build.build_problems(configured({}), "test")
    right = {each.id: [f" it is </think> <answer> {each.answer} </answer>"] for each in problems[:5]}
    formless = {problems[5].id: [problems[5].answer], problems[6].id: [" 我想 </think> <answer> </answer>"]}
    config = configured(right | formless)
    folder = RunFolder(tmp_path)
    start_manifest(folder, stage="evaluate", seed=0, resolved=config.resolved, overrides=[])
    evaluated = stage_module("evaluate").run(config, folder).metrics
    loaded = build.build_model(config)
    encoder = PromptEncoder(build.build_template(config), build.encoder(loaded.tokenizer), loaded.context)
    with closing(Graders()) as graders, closing(build.build_engine(config, loaded)) as engine:
        graders.add(problems)
        params = SamplingParams(max_tokens=64)
        held_out = HeldOut(engine, encoder, graders.by_name, params, Interrupt(), measures(strict=False))
        found = dict(held_out.evaluate(problems, 7).metrics)
    assert evaluated["pass@1"] == 5 / 12
    greedy = {name: found.pop(name) for name in ("pass@1_greedy", "pass@1_greedy_stderr")}
    assert greedy == {"pass@1_greedy": 5 / 12, "pass@1_greedy_stderr": evaluated["pass@1_stderr"]}
    assert found == {name: evaluated[name] for name in found}
    assert set(found) >= {"pass@1", "pass@1_stderr", "mean_length", "truncated", "well_formed", "reflection"}
