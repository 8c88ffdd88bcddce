"""The problems on which a student is measured, and with what: engine, template, graders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.types import Problem, SamplingParams
from r1light.training.distill_options import DistillOptions
from r1light.training.interrupt import Interrupt

if TYPE_CHECKING:
    from r1light.stages.build import ProblemSets
    from r1light.training.held_out import HeldOut, HeldOutResult
    from r1light.training.held_out_problems import HeldOutProblems
    from r1light.training.on_policy import Student
    from r1light.training.problems import PromptEncoder


@dataclass(frozen=True, slots=True)
class Measured:
    """What a student is measured with.

    Attributes:
        train: Problems of the training split.
        encoder: Makes requests of them, for the student.
        watch: The student's accuracy on those held out.
        student: Writes with the student's weights.
        teacher: Measures the teacher on the same; None where that is not asked for.
    """

    train: Sequence[Problem]
    encoder: PromptEncoder
    watch: HeldOutProblems
    student: Student
    teacher: Callable[[], HeldOutResult] | None

    def example(self) -> str:
        """How a prompt looks."""
        return self.encoder.example(self.train[0])


def problem_source(config: RunConfig) -> RunConfig | None:
    """The configuration with the problems as its data; None where the student is not measured on any.

    Raises:
        ConfigError: If `stage.problems` names no data source, or its options are wrong.
    """
    from r1light.config.validate import component_config

    options: DistillOptions = config.stage
    given = options.problems
    if given is None and options.mode != "on_policy":
        return None
    if options.mode == "on_policy" and options.batch_size % (options.group_size * config.trainer.ranks):
        raise ConfigError(
            f"stage.batch_size={options.batch_size} is no multiple of stage.group_size={options.group_size} "
            f"x {config.trainer.ranks} ranks"
        )
    if given is None:
        return config
    named: Mapping[str, Any] = {"name": given} if isinstance(given, str) else given
    name = named.get("name")
    if not isinstance(name, str):
        raise ConfigError("stage.problems has no name: give {name: arithmetic}, or another data source")
    own = {key: value for key, value in named.items() if key not in ("name", "recommended")}
    source = component_config("data", name, own, "stage.problems", ("name",))
    return replace(config, data=replace(config.data, name=name, config=source))


@contextmanager
def open_problems(
    config: RunConfig, source: RunConfig | None, student: Any, teacher: Any, interrupt: Interrupt
) -> Iterator[Measured | None]:
    """Build what measures the student, and free it; None where nothing is to be measured.

    Args:
        config: The run's configuration.
        source: From `problem_source`.
        student: The `LoadedModel` that is trained, before it gets adapters.
        teacher: The teacher's, or None.
        interrupt: Whether a signal has come.
    """
    from r1light.stages import build
    from r1light.stages.graders import build_graders

    if source is None:
        yield None
        return
    options: DistillOptions = config.stage
    problems = build.build_data(source, options.eval_problems, options.test_problems)
    with (
        closing(build_graders(config, problems.all)) as graders,
        closing(build.build_engine(config, student)) as engine,
    ):
        yield _measured(config, problems, (graders.by_name, engine, student, teacher), interrupt)


def _measured(
    config: RunConfig, problems: ProblemSets, built: tuple[Any, Any, Any, Any], interrupt: Interrupt
) -> Measured:
    """Put what is built together."""
    from r1light.stages import build
    from r1light.stages.measuring import measures
    from r1light.training.held_out import HeldOut
    from r1light.training.held_out_problems import HeldOutProblems
    from r1light.training.on_policy import Student
    from r1light.training.problems import PromptEncoder
    from r1light.training.whole import engine_parameters

    options: DistillOptions = config.stage
    graders, engine, student, teacher = built
    params = SamplingParams(max_tokens=options.max_tokens, seed=config.seed)

    def held_out(loaded: Any, its_engine: Any) -> HeldOut:
        template = build.build_template(config, loaded.tokenizer)
        encoder = PromptEncoder(template, build.encoder(loaded.tokenizer), loaded.context)
        return HeldOut(its_engine, encoder, graders, params, interrupt, measures(strict=False))

    def measure_teacher() -> HeldOutResult:
        with closing(build.build_engine(config, teacher)) as its_engine:
            return held_out(teacher, its_engine).evaluate(problems.test, 0)

    own = held_out(student, engine)
    own.encoder.check(problems.all)
    writer = Student(engine, lambda: engine_parameters(engine, student.model))
    return Measured(
        train=problems.train,
        encoder=own.encoder,
        watch=HeldOutProblems(own, writer, problems.validation, problems.test),
        student=writer,
        teacher=measure_teacher if teacher is not None and options.measure_teacher else None,
    )
