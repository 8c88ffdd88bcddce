"""`stage=grpo`: reinforcement learning on problems with rule-based rewards, as DeepSeek-R1-Zero was trained.

Reads: a model, a data source with a "train" and a "test" split, a template, rewards, a rollout engine.
Writes: metrics.jsonl, samples.jsonl, checkpoints/, model/, result.json, report.html.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.progress import progress
from r1light.core.protocols import Grader
from r1light.core.run_folder import RunFolder, StageResult
from r1light.core.types import SamplingParams
from r1light.training.grpo_options import GrpoOptions
from r1light.training.interrupt import Interrupt

if TYPE_CHECKING:
    from r1light.stages.build import ProblemSets
    from r1light.training.grpo import GrpoModule
    from r1light.training.offload import Offload
    from r1light.training.record import Record, Watch

Config = GrpoOptions

SHARES_TRAINING = True
OUTPUTS = ("model", "report", "best_model")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the run is made of."""

    loaded: Any
    module: GrpoModule
    watch: Watch
    offload: Offload


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Train, and measure held-out accuracy before and after."""
    from r1light.stages.fitting import halting
    from r1light.stages.supervised import set_up

    check(config)
    set_up(config)
    interrupt = Interrupt()
    with _parts(config, interrupt) as parts, halting(interrupt):
        return _train(config, folder, parts)


def check(config: RunConfig) -> None:
    """What no option knows alone.

    Raises:
        ConfigError: If the problems cannot be dealt out evenly to ranks and to minibatches.
    """
    options: GrpoOptions = config.stage
    parts = math.lcm(config.trainer.ranks, options.minibatches)
    if options.prompts_per_iteration % parts:
        below = options.prompts_per_iteration // parts * parts
        nearest = f"{below} or {below + parts}" if below else str(parts)
        raise ConfigError(
            f"stage.prompts_per_iteration={options.prompts_per_iteration} is not divided by "
            f"{config.trainer.ranks} ranks and {options.minibatches} minibatches; nearest: {nearest}"
        )


@contextmanager
def _parts(config: RunConfig, interrupt: Interrupt) -> Iterator[Parts]:
    """Build everything, and free what holds processes or memory."""
    from r1light.stages import build
    from r1light.stages.graders import build_graders
    from r1light.stages.memory import check_rollouts
    from r1light.stages.mix import build_mix

    options: GrpoOptions = config.stage
    data = build.build_data(config, options.eval_problems, options.test_problems)
    graders = build_graders(config, data.all)
    with closing(graders), closing(build_mix(config, graders)) as mix:
        loaded = build.build_model(config)
        check_rollouts(config, loaded, data.all)
        with closing(build.build_engine(config, loaded)) as engine:
            yield _assemble(config, data, (graders.by_name, mix, loaded, engine), interrupt)


def _assemble(
    config: RunConfig,
    data: ProblemSets,
    built: tuple[Mapping[str, Grader], Any, Any, Any],
    interrupt: Interrupt,
) -> Parts:
    """Put what is built together."""
    from r1light.rewards.overlap import Overlapped
    from r1light.stages import build
    from r1light.stages.adapters import with_adapters
    from r1light.stages.gpu import takes_segments
    from r1light.stages.measuring import measures
    from r1light.training.collect import Collector, Overlong
    from r1light.training.forward import check_head
    from r1light.training.grpo import GrpoModule
    from r1light.training.held_out import HeldOut
    from r1light.training.offload import offload_for
    from r1light.training.problems import ProblemSchedule, PromptEncoder
    from r1light.training.record import Watch

    options: GrpoOptions = config.stage
    graders, mix, loaded, engine = built
    check_head(loaded.model)
    with_adapters(loaded.model, config)
    template = build.build_template(config, loaded.tokenizer)
    encoder = PromptEncoder(template, build.encoder(loaded.tokenizer), loaded.context)
    encoder.check(data.all)
    params = SamplingParams(
        n=options.group_size,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        seed=config.seed,
    )
    overlong = Overlong(options.max_tokens, options.overlong_tokens, options.overlong_penalty)
    offload = offload_for(options.offload, engine, loaded.model.device)
    rewards = Overlapped(mix, options.overlap_rewards)
    collector = Collector(
        engine, encoder, rewards, params, overlong, options.refill, interrupt, offload.fetch
    )
    problems = ProblemSchedule(data.train, config.seed, options.preference_switch)
    lanes = build.lanes_of(config, loaded.model)
    segments = takes_segments(config, loaded.model)
    module = GrpoModule(loaded.model, options, collector, problems, config.seed, lanes, segments=segments)
    measured = measures(strict=False)
    watch = Watch(
        held_out=HeldOut(engine, encoder, graders, params, interrupt, measured),
        validation=data.validation,
        test=data.test,
        measures=measured,
        interrupt=interrupt,
        mix_state=mix.state,
        load_mix_state=mix.load_state,
        check_rewards=mix.check,
        tokenizer=loaded.tokenizer,
        objective=config.objective,
    )
    return Parts(loaded, module, watch, offload)


def _train(config: RunConfig, folder: RunFolder, parts: Parts) -> StageResult:
    from r1light.stages.build import device_of
    from r1light.stages.resume import starting_point
    from r1light.training import ranks
    from r1light.training.fit import fit, make_trainer
    from r1light.training.plan import batch_plan, reward_plan
    from r1light.training.record import Record

    options: GrpoOptions = config.stage
    checkpoint, start = ranks.of_first(lambda: starting_point(config, folder))
    weights = {each.key: each.weight for each in config.reward.components}
    for line in (*batch_plan(options, config.trainer.ranks), reward_plan(weights)):
        _log.info("%s", line)
    with progress(options.iterations, "iteration", start) as bar:
        record = Record(folder, options, parts.watch, bar)
        callbacks = [parts.offload, record]  # what is parked is parked before an evaluation
        limit = options.max_grad_norm
        trainer = make_trainer(callbacks, device_of(config), config.trainer, folder.path, limit)
        fit(trainer, parts.module, checkpoint)
    return _finish(folder, parts, record)


def _finish(folder: RunFolder, parts: Parts, record: Record) -> StageResult:
    """Measure the trained policy, save it, and write the report."""
    from r1light.stages.adapters import save_trained
    from r1light.stages.supervised import finish

    module = parts.module
    parts.watch.check_rewards()
    module.hand_over(module.iteration)
    after = parts.watch.held_out.evaluate(parts.watch.test, module.iteration)
    record.write_test_samples("after", module.iteration, after)
    save_trained(folder, parts.loaded)
    metrics = {f"before/{name}": value for name, value in record.before.items()}
    metrics |= {f"after/{name}": value for name, value in after.metrics.items()}
    metrics |= record.figures(module)
    best = folder.checkpoints / "best"
    outputs = {"model": str(folder.model)} | ({"best_model": str(best)} if best.exists() else {})
    return finish(folder, "grpo", metrics, outputs, parts.watch.held_out.encoder.example(parts.watch.test[0]))
