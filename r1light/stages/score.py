"""`stage=score`: scores completions that stand in a file, with the rewards and the template of the run.

Reads: `stage.input`, JSON lines `{"problem": {...}, "completion": "...", "prefill": ""}`.
Writes: `stage.output`, a line `{"id", "reward", "scores": {name: {"value", "status", "detail"}}}` for each,
in the input's order, and `<output>.state.json`, from which a killed run goes on; result.json with the means.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError, RewardError, UnknownNameError
from r1light.core.progress import progress
from r1light.core.run_folder import RunFolder, StageResult
from r1light.core.scoring import score_fields
from r1light.core.types import Sample, Score

if TYPE_CHECKING:
    from r1light.curation.stored import CountTokens, Line
    from r1light.curation.tally import Tally

OUTPUTS = ("scores",)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Config:
    """Which completions, and where their scores go."""

    input: str
    """A .jsonl file of completions."""
    output: str
    """The .jsonl file of scores. After a kill, the same command goes on behind the last whole batch."""
    batch_rows: int = 256
    """Rows, up to the end of a problem, that are scored at once and written; what a kill may cost."""
    tokenize: bool = True
    """Whether the model's tokenizer makes the token ids of rows without any, for rewards that count them."""
    grader: str | None = None
    """A grader that judges all rows in place of the ones that their problems name."""

    def __post_init__(self) -> None:
        if self.batch_rows < 1:
            raise ValueError(f"batch_rows={self.batch_rows} must be at least 1")
        source, output = Path(self.input), Path(self.output)
        if source.resolve() == output.resolve() or (
            output.exists() and source.exists() and source.samefile(output)
        ):
            raise ValueError(f"output={self.output} is the input; name another file")
        if output.is_dir():
            raise ValueError(f"output={self.output} is a folder; name a .jsonl file in it")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Score what is not scored yet, and sum all of it up."""
    from r1light.curation.committed import count_lines, open_output
    from r1light.curation.stored import StoredCompletions, batches
    from r1light.curation.tally import Tally
    from r1light.stages import build
    from r1light.stages.graders import Graders
    from r1light.stages.mix import build_mix

    options: Config = config.stage
    source, output = Path(options.input), Path(options.output)
    if not source.exists():
        raise DataError(f"stage.input={source}: there is no such file; name a .jsonl, a completion a line")
    if not source.is_file() or source.suffix in (".parquet", ".json", ".csv"):
        raise DataError(f"stage.input={source} is no .jsonl file; name one, with a completion a line")
    template = build.build_template(config)
    stored = StoredCompletions(template, _encoder(config) if options.tokenize else None, options.grader)
    with (
        closing(Graders(sandbox=config.sandbox)) as graders,
        open_output(source, output, _setup(config), afresh=config.resume == "none") as out,
        closing(build_mix(config, graders, min_samples=64)) as mix,
    ):
        tally = Tally.load(out.last.progress["tally"]) if out.last.lines else Tally()
        if out.last.lines:
            mix.load_state(out.last.progress["mix"])
            _log.info("going on after line %d of %s", out.last.lines, source)
        total = count_lines(source)
        with progress(max(total - out.last.lines, 1), "lines") as bar:
            for batch in batches(out.lines(), str(source), stored, options.batch_rows):
                written = _score(batch, mix, graders, tally)
                state = {"tally": tally.plain(), "mix": mix.state()}
                out.commit(b"".join(line.raw for line in batch), written, len(batch), state)
                bar.advance(len(batch), reward=tally.totals.mean)
    return _finish(config, folder, tally)


def _encoder(config: RunConfig) -> CountTokens:
    """The model's tokenizer, loaded when the first row needs it."""
    from r1light.stages import build

    loaded: list[CountTokens] = []

    def encode(text: str) -> Sequence[int]:
        if not loaded:
            loaded.append(build.encoder(build.build_tokenizer(config).tokenizer))
        return loaded[0](text.encode(errors="replace").decode())  # a lone surrogate cannot be encoded

    return encode


def _setup(config: RunConfig) -> dict[str, Any]:
    """What decides the scores, as dotted key to value; deadlines and how many errors are borne do not."""
    from r1light.core.manifest import comparable

    keys = ("template", "reward", *(["model"] if config.stage.tokenize else []))
    flat = comparable({key: config.resolved[key] for key in keys})
    free = ("max_error_rate", "deadline", "deadline_s")
    kept = {key: value for key, value in flat.items() if key.rpartition(".")[2] not in free}
    return kept | ({"stage.grader": config.stage.grader} if config.stage.grader else {})


def _score(batch: Sequence[Line], mix: Any, graders: Any, tally: Tally) -> bytes:
    """The output of one batch; its rows are counted."""
    rows = [(line.where, line.sample) for line in batch if line.sample is not None]
    for where, sample in rows:
        try:
            graders.add([sample.problem])
        except UnknownNameError as error:
            raise DataError(f"{where}: {error}") from error
    mixed = mix.score(samples := [sample for _, sample in rows])
    lines = []
    for index, sample in enumerate(samples):
        scores = {name: found[index] for name, found in mixed.scores.items()}
        tally.add(sample, mixed.totals[index], scores)
        lines.append(_row(sample, mixed.totals[index], scores))
    return "".join(lines).encode()


def _row(sample: Sample, total: float | None, scores: Mapping[str, Score]) -> str:
    row = {
        "id": sample.problem.id,
        "reward": total,
        "scores": {name: score_fields(score) for name, score in scores.items()},
    }
    return json.dumps(row, ensure_ascii=True) + "\n"  # a lone surrogate would not encode otherwise


def _finish(config: RunConfig, folder: RunFolder, tally: Tally) -> StageResult:
    """result.json and a few lines for the log.

    Raises:
        DataError: The input holds no row.
        RewardError: A reward failed too often, on fewer rows than the mix takes for a rate.
    """
    options: Config = config.stage
    if not tally.rows:
        raise DataError(f"stage.input={options.input} holds no rows")
    metrics = tally.metrics()
    for name, failed in tally.failed.items():
        if failed / tally.rows > config.reward.max_error_rate:
            raise RewardError(
                f"reward {name!r} failed on {failed} of {tally.rows} rows, more than reward.max_error_rate="
                f"{config.reward.max_error_rate:g}; {options.output} has the detail of each"
            )
    result = StageResult("score", metrics, {"scores": options.output})
    folder.save_result(result)
    _log.info("score: %d rows in %s", tally.rows, options.output)
    for name, value in metrics.items():
        _log.info("  %s %.6g", name, value)
    return result
