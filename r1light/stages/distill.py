"""`stage=distill`: a student learns from a teacher's texts, from its distribution, or from its judgement.

`stage.mode=data` is the paper's distillation (DeepSeek-R1, arXiv:2501.12948v2, B.4.3) and trains as stage=sft
does. `logits` learns the teacher's distribution over the next token on its texts, `on_policy` on what the
student writes itself; both, and mixtures of the two, are GKD (arXiv:2306.13649).

Reads: a model, a teacher, and texts (data=conversations) or, in mode=on_policy, problems.
Writes: metrics.jsonl, checkpoints/, model/, result.json, report.html; of texts mask_preview.txt and the
teacher's top k, where there are problems samples.jsonl.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder, StageResult
from r1light.training.distill_options import DistillOptions
from r1light.training.interrupt import Interrupt

if TYPE_CHECKING:
    from r1light.stages.fitting import Trained, Watch
    from r1light.stages.student_problems import Measured
    from r1light.training.conversation_tokens import ConversationEncoder
    from r1light.training.held_out_problems import ProblemRecord
    from r1light.training.row_stream import RowStream
    from r1light.training.sft import SftRow
    from r1light.training.supervised import Objective

Config = DistillOptions
SHARES_TRAINING = True
OUTPUTS = ("model", "report")


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the run is made of.

    Attributes:
        student: Its `LoadedModel`.
        teacher: The teacher's; None in mode=data without one.
        vocabulary: The ids that both have; 0 in mode=data, which does not ask.
        encoder: Texts to rows.
        measured: Problems, and what the student is measured with; None where it is not.
        interrupt: Whether a signal has come.
    """

    student: Any
    teacher: Any
    vocabulary: int
    encoder: ConversationEncoder
    measured: Measured | None
    interrupt: Interrupt


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Train the student, and measure it before and after where there are problems."""
    from r1light.models.vocabulary import common_vocabulary
    from r1light.stages import build, texts
    from r1light.stages.adapters import with_adapters
    from r1light.stages.fitting import halting
    from r1light.stages.student_problems import open_problems, problem_source
    from r1light.stages.supervised import finish, set_up
    from r1light.stages.teacher import load_teacher
    from r1light.training.forward import check_head

    options: DistillOptions = config.stage
    set_up(config)
    source = problem_source(config)
    student = build.build_model(config)
    check_head(student.model)
    teacher: Any = load_teacher(config) if options.mode != "data" or source is not None else None
    vocabulary = 0 if options.mode == "data" else common_vocabulary(student, teacher)
    encoder = texts.text_encoder(options, student)
    interrupt = Interrupt()
    texts.check_packing(student.model, options)
    with open_problems(config, source, student, teacher, interrupt) as measured:
        with_adapters(student.model, config)
        parts = _Parts(student, teacher, vocabulary, encoder, measured, interrupt)
        record = _problem_record(config, folder, measured)
        trained = _learn(config, folder, parts, record)
        with halting(interrupt):
            figures = {} if record is None else record.after(trained.module.iteration)
        texts.save_writer(folder, student, encoder)
        prompt = (measured if measured and options.mode == "on_policy" else encoder).example()
    return finish(folder, "distill", trained.metrics() | dict(figures), {"model": str(folder.model)}, prompt)


def _problem_record(config: RunConfig, folder: RunFolder, measured: Measured | None) -> ProblemRecord | None:
    from r1light.training.held_out_problems import ProblemRecord

    groups = config.stage.logged_groups
    return None if measured is None else ProblemRecord(folder, measured.watch, measured.teacher, groups)


def _learn(config: RunConfig, folder: RunFolder, parts: _Parts, record: ProblemRecord | None) -> Trained:
    from r1light.stages.fitting import Watch
    from r1light.stages.supervised import train_on_rows

    watch = Watch(interrupt=parts.interrupt)
    if record is not None:
        watch = replace(watch, measures=(record.problems,), callbacks=(record,))
    if config.stage.mode == "on_policy":
        return _learn_from_own(config, folder, parts, watch)
    rows = _rows(config, folder, parts)
    objective = _objective(config, folder, parts, [*rows[0], *rows[1]])
    return train_on_rows(config, folder, parts.student.model, objective, rows, watch)


def _rows(config: RunConfig, folder: RunFolder, parts: _Parts) -> tuple[list[SftRow], list[SftRow]]:
    """The teacher's texts, those to learn from and those held out."""
    from r1light.stages.texts import show_targets, text_rows

    rows = text_rows(config, parts.encoder, _longest(config, parts))
    show_targets(folder, rows[0], config.stage.preview_rows, parts.student.tokenizer)
    return rows


def _objective(config: RunConfig, folder: RunFolder, parts: _Parts, rows: list[SftRow]) -> Objective:
    """What is learnt of texts."""
    from r1light.stages.gpu import takes_segments
    from r1light.stages.supervised import forward_tokens
    from r1light.stages.teacher import teacher_of_texts
    from r1light.training.distill import DistillObjective
    from r1light.training.sft import SftObjective

    options: DistillOptions = config.stage
    tokens = forward_tokens(config)
    if options.mode == "data":
        return SftObjective(tokens, options.packed, takes_segments(config, parts.student.model))
    teacher = teacher_of_texts(config, folder, parts.teacher, parts.vocabulary, rows)
    return DistillObjective(teacher, parts.vocabulary, options.temperature, tokens, options.packed)


def _learn_from_own(config: RunConfig, folder: RunFolder, parts: _Parts, watch: Watch) -> Trained:
    """Learn from what the student writes, between it from texts where the options ask for a mixture."""
    from r1light.core.types import SamplingParams
    from r1light.stages.fitting import train
    from r1light.stages.supervised import forward_tokens
    from r1light.training.distill import DistillObjective, LiveTeacher
    from r1light.training.forward import disable_dropout
    from r1light.training.on_policy import OnPolicyRows, Writing
    from r1light.training.problems import ProblemStream
    from r1light.training.supervised import SupervisedModule

    options: DistillOptions = config.stage
    measured = parts.measured
    assert measured is not None
    params = SamplingParams(
        n=options.group_size,
        temperature=options.rollout_temperature,
        max_tokens=options.max_tokens,
        seed=config.seed,
    )
    limit, vocabulary = _longest(config, parts), parts.vocabulary
    encoder = replace(measured.encoder, context=limit)
    encoder.check(measured.train)
    writing = Writing(measured.student, encoder, params, limit, vocabulary, parts.interrupt)
    problems = ProblemStream(measured.train, config.seed)
    stream = OnPolicyRows(
        writing, problems, _given_texts(config, parts), options.on_policy_share, config.seed
    )
    teacher = LiveTeacher(parts.teacher.model, vocabulary, options.divergence, options.temperature)
    objective = DistillObjective(
        teacher, vocabulary, options.temperature, forward_tokens(config), options.packed
    )
    disable_dropout(parts.student.model)  # what learns must be what wrote
    module = SupervisedModule(parts.student.model, objective, stream, options)
    return train(config, folder, module, watch)


def _given_texts(config: RunConfig, parts: _Parts) -> RowStream[SftRow] | None:
    """The texts of a mixture, as often as they may be needed."""
    from r1light.config.validate import component_config
    from r1light.stages.texts import source_rows
    from r1light.training.row_stream import RowStream

    options: DistillOptions = config.stage
    if options.texts is None:
        return None
    source = component_config(
        "data", "conversations", {"path": options.texts, "test_share": 0.0}, "stage.texts"
    )
    data = replace(config, data=replace(config.data, name="conversations", config=source))
    rows = source_rows(data, "train", parts.encoder, _longest(config, parts))
    if not rows:
        raise DataError(f"stage.texts={options.texts} has no rows to learn from")
    epochs = 1.0 + options.updates(0) * options.batch_size / len(rows)
    return RowStream(rows, config.seed, epochs)


def _longest(config: RunConfig, parts: _Parts) -> int:
    """The most tokens of a row: what the options, the student and a teacher that reads it can bear."""
    bounds: list[int] = [parts.student.context, config.stage.max_length or parts.student.context]
    if config.stage.mode != "data":
        bounds.append(parts.teacher.context)
    return min(bounds)
