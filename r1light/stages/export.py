"""`stage=export`: what a run trained, as a plain Hugging Face directory to publish or to serve.

Reads: a run folder, one of its checkpoints (of one process or of many), or a model directory.
Writes: model/, result.json.
"""

from __future__ import annotations

import logging
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.run_folder import RunFolder, StageResult

USES_COMPONENTS = False
OUTPUTS = ("model",)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Config:
    """What is exported, in which form, and where to."""

    run: str
    """A run folder (its model/, or its newest checkpoint while there is none), one checkpoint, or a model
    directory."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the weights; "auto" leaves it."""
    shard_size: str = "5GB"
    """The most that one file of weights may have."""
    push: str | None = None
    """Where to upload it on the hub, as USER/NAME; null for nowhere. The token is the environment's HF_TOKEN,
    or that of `hf auth login`."""
    private: bool = True
    """Whether a repository that the upload makes is private; one that is there stays as it is."""

    def __post_init__(self) -> None:
        if not self.run:
            raise ValueError("run must name a run folder or a checkpoint, such as stage.run=runs/grpo/A")
        if not re.fullmatch(r"[1-9]\d*(KB|MB|GB)", self.shard_size):
            raise ValueError(
                f"shard_size={self.shard_size!r} must be a number with a unit, such as 5GB or 500MB"
            )
        if self.push is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", self.push):
            raise ValueError(f"push={self.push!r} must be USER/NAME, or null")


@dataclass(frozen=True, slots=True)
class Trained:
    """What is exported.

    Attributes:
        model: A plain transformers model.
        tokenizer: Its tokenizer.
        card: The model card, README.md; it need not be there.
    """

    model: Any
    tokenizer: Any
    card: Path


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Find the weights, make them whole, write them, and upload them where that is asked for.

    Raises:
        ConfigError: There is nothing to export at that path.
        ResumeError: A checkpoint cannot be read.
        StorageError: The directory cannot be written, or not be uploaded; then it is kept.
    """
    from r1light.models.push import push
    from r1light.models.save import save_model

    options: Config = config.stage
    trained = _find(Path(options.run))
    model = trained.model
    if options.dtype != "auto":
        import torch

        model = model.to(getattr(torch, options.dtype))
    save_model(model, trained.tokenizer, folder.model, options.shard_size)
    if trained.card.is_file():
        shutil.copyfile(trained.card, folder.model / "README.md")
    parameters = sum(each.numel() for each in model.parameters())
    _log.info("exported %s: %d parameters in %s, to %s", options.run, parameters, model.dtype, folder.model)
    if options.push is not None:
        url = push(folder.model, options.push, private=options.private)
        _log.info("uploaded to %s", url)
    result = StageResult("export", {"parameters": float(parameters)}, {"model": str(folder.model)})
    folder.save_result(result)
    return result


def _find(path: Path) -> Trained:
    """What is at a path: a model directory, a run with one, or a checkpoint."""
    from r1light.training.checkpoint import saved_checkpoints
    from r1light.training.fit import newest_readable

    for directory in (path, path / "model"):
        if (directory / "config.json").is_file():
            _log.info("exporting the model %s", directory)
            return _from_directory(directory)
    if path.suffix == ".ckpt" and path.exists():
        return _from_checkpoint(path)
    checkpoint, iteration, damaged = newest_readable(saved_checkpoints(path / "checkpoints"))
    for line in damaged:
        _log.warning("%s; going back to the one before", line)
    if checkpoint is None:
        raise ConfigError(
            f"stage.run={path} has nothing to export: no model/config.json, no checkpoints/iteration-*.ckpt; "
            "name a run folder of a stage that trains, a checkpoint or a model directory"
        )
    _log.info("the run has no model/ yet; exporting its checkpoint after iteration %d", iteration)
    return _from_checkpoint(checkpoint)


def _from_directory(directory: Path) -> Trained:
    """A model as a run saved it; a reward model too."""
    from r1light.core.errors import ModelError
    from r1light.models.pretrained import Pretrained
    from r1light.models.scorer import declared_label, load_scorer

    card = directory / "README.md"
    try:
        declared_label(str(directory))
    except ModelError:
        loaded = Pretrained(Pretrained.Config(path=str(directory), dtype="auto")).load()
        return Trained(loaded.model, loaded.tokenizer, card)
    scorer = load_scorer(str(directory), "cpu")
    return Trained(scorer.model, scorer.encode.tokenizer, card)


def _from_checkpoint(path: Path) -> Trained:
    """A checkpoint's weights, in the model that its run's configuration describes."""
    from r1light.stages.exported_model import build_for
    from r1light.training.checkpoint import load_trained, trained_weights
    from r1light.training.whole import whole_model

    folder = RunFolder(path.absolute().parents[1])
    model, tokenizer = build_for(_configuration(folder))
    load_trained(model, trained_weights(path), path)
    return Trained(whole_model(model), tokenizer, folder.path / "README.md")


def _configuration(folder: RunFolder) -> RunConfig:
    """What a run was given; it computes here, on a CPU.

    Raises:
        ConfigError: There is none, or it is of another version of r1light.
    """
    import yaml

    from r1light.config.schema import TrainerSpec
    from r1light.config.validate import validate
    from r1light.stages import stage_module

    try:
        said = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{folder.config} cannot be read, and says how the model is built: {error}"
        ) from error
    found = validate(said, stage_module)
    return replace(found, trainer=TrainerSpec(accelerator="cpu"))
