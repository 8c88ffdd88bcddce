"""The first half of `stage=sample` and `stage=evaluate`: completions for problems, into completions.jsonl."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError
from r1light.core.manifest import read_manifest
from r1light.core.progress import progress
from r1light.core.protocols import RolloutEngine
from r1light.core.run_folder import RunFolder, write_atomic
from r1light.core.types import Problem, SamplingParams
from r1light.curation.committed import CommittedOutput, open_output
from r1light.curation.curator import Way
from r1light.curation.drawing import Asked, Asking, DrawCounts, Drawing, ask
from r1light.stages import build
from r1light.stages.room import Room
from r1light.stages.sources import build_rows

_log = logging.getLogger(__name__)


def problems_of(config: RunConfig) -> list[tuple[int, Problem]]:
    """The problems to ask, with their positions in the split; rows of `data=conversations` become problems.

    Raises:
        DataError: There are none, or two have one id.
    """
    from r1light.curation.conversation_problems import as_problem
    from r1light.data.conversations import Conversation

    options = config.stage
    rows = build_rows(config, options.split)
    problems: list[Problem] = [as_problem(row) if isinstance(row, Conversation) else row for row in rows]
    if not problems:
        raise DataError(
            f"data={config.data.name} has no rows in its {options.split} split; see its options under data."
        )
    if len({problem.id for problem in problems}) < len(problems):
        raise DataError(f"data={config.data.name}: two problems of the {options.split} split have one id")
    chosen = list(range(len(problems)))
    if options.limit is not None:
        random.Random(f"sample/{config.seed}").shuffle(chosen)
        chosen = sorted(chosen[: options.limit])
    return [(position, problems[position]) for position in chosen]


@dataclass(frozen=True, slots=True)
class DrawnFile:
    """What `draw` has made.

    Attributes:
        path: completions.jsonl.
        asking: What was asked, and what was not.
        counts: What was drawn, over all sessions.
        earlier: Seconds of drawing in earlier sessions.
    """

    path: Path
    asking: Asking
    counts: DrawCounts
    earlier: float

    def metrics(self) -> dict[str, float]:
        """The counts for the result.json of `stage=sample`."""
        asking, counts = self.asking, self.counts
        return {
            "prompts": len(asking.asked),
            "duplicate_prompts": asking.duplicates,
            "too_long": asking.too_long,
            "left_out": asking.left_out,
            "drawn": counts.drawn,
            "identical": counts.identical,
            "num_truncated": counts.truncated,
            "num_tokens": counts.tokens,
        }


def draw(
    config: RunConfig,
    folder: RunFolder,
    ways: Callable[[Problem], Sequence[Way]],
    problems: Sequence[tuple[int, Problem]],
    params: SamplingParams,
    *,
    each_apart: bool = False,
    whole: bool = False,
    samples: Callable[[Problem], int] | None = None,
) -> DrawnFile:
    """Draw what is not drawn yet.

    Args:
        config: Its stage has `too_long`, `batch_prompts` and `token_ids`.
        folder: Where completions.jsonl and prompts.jsonl go.
        ways: How a problem is asked.
        problems: Problems with their positions in the split.
        params: How completions are drawn.
        each_apart: Ask a prompt that stands twice twice, and give each of identical completions its row.
        whole: A prompt is too long if it does not leave room for `params.max_tokens`, instead of for one.
        samples: How many completions a problem gets; None for `params.n` of each.

    Raises:
        DataError: A prompt does not fit, or nothing is left to ask.
        ConfigError: A prompt leaves no room for whole completions.
        ResumeError: What was drawn before is of another model or other data.
    """
    options = config.stage
    loaded = build.build_tokenizer(config)
    encode = build.encoder(loaded.tokenizer)
    room = Room(loaded.context, encode, params.max_tokens if whole else 1)
    skip = options.too_long == "skip"
    asking = ask(problems, ways, room.fits, skip_too_long=skip or whole, each_apart=each_apart)
    if whole and not skip and asking.too_long:
        raise room.refusal(_model(config))
    _tell(asking, room.needed)
    prompts, output = folder.path / "prompts.jsonl", folder.path / "completions.jsonl"
    write_atomic(prompts, b"".join(asked.line() for asked in asking.asked))
    with open_output(prompts, output, read_manifest(folder).get("inputs", {}), afresh=False) as out:
        counts = DrawCounts(**out.last.progress)
        earlier = counts.seconds
        left = asking.asked[out.last.lines :]
        if out.last.lines:
            _log.info("going on after %d of %d prompts", out.last.lines, len(asking.asked))
        if left:
            with _engine(config, left) as engine:
                about = _settings(config)
                drawing = Drawing(engine, encode, params, about, options.token_ids, each_apart, samples)
                _draw_all(out, left, drawing, counts, options.batch_prompts)
    return DrawnFile(output, asking, counts, earlier)


def _tell(asking: Asking, needed: int) -> None:
    if not asking.asked:
        raise DataError(
            f"there is nothing to ask: {asking.too_long} problems are too long for the model's context with "
            f"{needed} tokens behind them, and {asking.left_out} are left out by stage.curation"
        )
    if asking.duplicates:
        _log.info("%d problems have the prompt of an earlier one, and are not asked", asking.duplicates)
    if asking.too_long:
        _log.warning("%d problems are left out: their prompts leave no room for an answer", asking.too_long)


def _draw_all(
    out: CommittedOutput, left: Sequence[Asked], drawing: Drawing, counts: DrawCounts, size: int
) -> None:
    """Draw batch by batch, each on the disk before the next one."""
    with progress(len(left), "prompts") as bar:
        for start in range(0, len(left), size):
            batch = left[start : start + size]
            read = b"".join(asked.line() for asked in batch)
            begun = time.perf_counter()
            rows = drawing.rows(batch, counts, bar.advance)
            counts.seconds += time.perf_counter() - begun
            out.commit(read, rows, len(batch), counts.plain())


@contextmanager
def _engine(config: RunConfig, left: Sequence[Asked]) -> Iterator[RolloutEngine | None]:
    """The engine, with its model; none where every completion is given already."""
    if all(asked.way.given is not None for asked in left):
        yield None
        return
    engine = build.build_engine(config, build.build_model(config))
    try:
        yield engine
    finally:
        engine.close()


def sampling_params(config: RunConfig, n: int = 1) -> SamplingParams:
    """How the stage's options say that n completions are drawn."""
    options = config.stage
    return SamplingParams(
        n=n,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        max_tokens=options.max_tokens,
        stop=tuple(options.stop),
        seed=config.seed,
    )


def _settings(config: RunConfig) -> dict[str, Any]:
    """The model and the engine, as rows name them."""
    return {"model": _model(config), "engine": config.rollout.name}


def _model(config: RunConfig) -> str:
    model = config.resolved["model"]
    return str(model.get("path") or model["name"])
