"""`stage=base`: build the miniature base models from a generated corpus.

The command that made the models in the package:

    python -m r1light stage=base

Writes: model/tiny and model/tiny_student (Hugging Face directories in half precision), result.json.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.progress import Progress, progress
from r1light.core.run_folder import RunFolder, StageResult, write_json
from r1light.models.tiny_shape import TinyShape, qwen2

if TYPE_CHECKING:
    from torch import Tensor

USES_COMPONENTS = False

_log = logging.getLogger(__name__)

CORPUS_SEED_OF_HELD_OUT = 2**31
"""Added to the seed for the documents that the loss is measured on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How the bases are built; all of them from the same documents and with one tokenizer."""

    name: Literal["base"] = "base"
    """The stage."""
    vocabulary: int = 768
    """Tokens of the tokenizer."""
    context: int = 1024
    """Tokens that the models can look back on."""
    windows: int = 24000
    """Windows of the corpus; each is seen once."""
    window_tokens: int = 384
    """Tokens a window."""
    batch_windows: int = 6
    """Windows an update."""
    held_out_windows: int = 256
    """Windows that the loss is measured on."""
    models: dict[str, TinyShape] = field(
        default_factory=lambda: {
            "tiny": TinyShape(hidden=128, intermediate=384),
            "tiny_student": TinyShape(hidden=64, intermediate=192),
        }
    )
    """Directory name to shape."""

    def __post_init__(self) -> None:
        for name in ("batch_windows", "held_out_windows"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if not 2 <= self.window_tokens <= self.context:
            raise ValueError(
                f"window_tokens={self.window_tokens} must be at least 2 and at most context={self.context}"
            )
        if not self.models:
            raise ValueError("models is empty; name at least one shape")
        if self.windows < 10 * self.batch_windows:
            raise ValueError(
                f"windows={self.windows} must be at least ten updates of batch_windows={self.batch_windows}"
            )
        if self.vocabulary < 300:
            raise ValueError(
                f"vocabulary={self.vocabulary} must be at least 300: bytes, tags and some merges"
            )


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Build the tokenizer and every model."""
    import torch

    from r1light.stages.build import device_of

    options: Config = config.stage
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what repeats bit for bit on a GPU asks for
    torch.use_deterministic_algorithms(True)
    device = device_of(config)
    _log.info("writing the corpus: %d windows of %d tokens", options.windows, options.window_tokens)
    tokenizer, windows_NT, held_out_NT = _corpus(options, config.seed)
    metrics: dict[str, float] = {}
    outputs: dict[str, str] = {}
    updates = options.windows // options.batch_windows
    with progress(updates * len(options.models), "update") as bar:
        for name, shape in options.models.items():
            path = folder.model / name
            made = _build(options, shape, config.seed, (tokenizer, windows_NT, held_out_NT), path, (bar, device))
            metrics |= {f"{name}/{key}": value for key, value in made.items()}
            outputs[name] = str(path)
    return StageResult("base", metrics, outputs)


def _corpus(options: Config, seed: int) -> tuple[Any, Tensor, Tensor]:
    """The tokenizer, and int64 windows [N, T] to train on and to measure on."""
    from r1light.data.corpus.build import documents
    from r1light.models.tiny_tokenizer import train_tokenizer
    from r1light.templates.r1_zero import BEFORE_QUESTION

    sample = list(itertools.islice(documents(seed, BEFORE_QUESTION), 20_000))
    tokenizer = train_tokenizer(sample, options.vocabulary)
    windows = _windows(tokenizer, seed, options.windows, options.window_tokens)
    held_out = _windows(
        tokenizer, seed + CORPUS_SEED_OF_HELD_OUT, options.held_out_windows, options.window_tokens
    )
    return tokenizer, windows, held_out


def _windows(tokenizer: Any, seed: int, count: int, tokens: int) -> Tensor:
    """Documents end to end, each closed by the end token, cut into windows."""
    import torch

    from r1light.data.corpus.build import documents
    from r1light.templates.r1_zero import BEFORE_QUESTION

    stream: list[int] = []
    source = documents(seed, BEFORE_QUESTION)
    while len(stream) < count * tokens:
        for ids in tokenizer(list(itertools.islice(source, 4096))).input_ids:
            stream += [*ids, tokenizer.eos_token_id]
    return torch.tensor(stream[: count * tokens]).view(count, tokens)


def _build(
    options: Config,
    shape: TinyShape,
    seed: int,
    corpus: tuple[Any, Tensor, Tensor],
    path: Path,
    on: tuple[Progress, str],
) -> dict[str, float]:
    """Train one model and save it; returns its figures."""
    import torch

    from r1light.models.save import save_model
    from r1light.training.pretrain import PretrainOptions, held_out_loss, pretrain

    tokenizer, windows_NT, held_out_NT = corpus
    bar, device = on
    end: int = tokenizer.eos_token_id
    torch.manual_seed(seed)
    model = qwen2(shape, tokenizer, options.context).to(device)
    updates = options.windows // options.batch_windows
    losses: list[float] = []
    at_nine_tenths = float("nan")
    started = time.monotonic()

    def on_update(loss: float) -> None:
        nonlocal at_nine_tenths
        losses.append(loss)
        bar.advance(loss=loss)
        if len(losses) == round(0.9 * updates):
            at_nine_tenths = held_out_loss(model, held_out_NT, end)

    how = PretrainOptions(
        lr=shape.lr, matrix_lr=shape.matrix_lr, windows=options.batch_windows, end_token=end
    )
    pretrain(model, windows_NT, how, on_update, device)
    seconds = time.monotonic() - started
    model.cpu().half()
    save_model(model, tokenizer, path)
    final = held_out_loss(model.float(), held_out_NT, end)
    figures = {
        "parameters": float(sum(parameter.numel() for parameter in model.parameters())),
        "tokens": float(windows_NT.numel()),
        "held_out_loss_at_nine_tenths": at_nine_tenths,
        "held_out_loss": final,
    }
    weights = hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
    command = "python -m r1light stage=base" + ("" if device == "cpu" else " trainer=gpu")
    made = {"command": command, "options": asdict(options), "seed": seed, "weights_sha256": weights}
    write_json(path / "manifest.json", made | figures)
    return figures | {"train_seconds": seconds}
