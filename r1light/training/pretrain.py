"""Next-token training of a causal language model on a stream of documents: how the miniature bases are made.

Shapes: N windows, T tokens a window, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from r1light.training.quiet import quiet_lightning
from r1light.training.schedule import learning_rate_factor


@dataclass(frozen=True, slots=True)
class PretrainOptions:
    """How a base is trained.

    Attributes:
        lr: The peak learning rate of AdamW.
        warmup: Updates over which the learning rate rises linearly.
        weight_decay: AdamW's, on matrices only.
        windows: Windows an update.
        clip: The largest norm of the gradient.
    """

    lr: float
    warmup: int = 40
    weight_decay: float = 0.1
    windows: int = 32
    clip: float = 1.0


class PretrainModule(lightning.LightningModule):
    """AdamW on the mean cross-entropy of the next token, over all tokens of a window."""

    def __init__(
        self, model: Any, options: PretrainOptions, updates: int, on_update: Callable[[float], None]
    ) -> None:
        super().__init__()
        self.model = model
        self.options = options
        self.updates = updates
        self.on_update = on_update

    def training_step(self, window_NT: Tensor, _index: int) -> Tensor:
        """The mean loss of one batch of windows, in nats a token."""
        loss = next_token_loss(self.model, window_NT)
        self.on_update(float(loss.detach()))
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW; decay on matrices, none on norms and biases."""
        matrices = [p for p in self.model.parameters() if p.ndim >= 2]
        vectors = [p for p in self.model.parameters() if p.ndim < 2]
        optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": self.options.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=self.options.lr,
            betas=(0.9, 0.95),
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda update: learning_rate_factor("cosine", update, self.options.warmup, self.updates),
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def next_token_loss(model: Any, window_NT: Tensor) -> Tensor:
    """The mean cross-entropy of tokens 1..T-1 given those before, in nats a token."""
    logits_NTV = model(input_ids=window_NT[:, :-1], use_cache=False).logits
    return F.cross_entropy(logits_NTV.flatten(0, 1), window_NT[:, 1:].flatten())


@torch.no_grad()
def held_out_loss(model: Any, windows_NT: Tensor, batch: int = 64) -> float:
    """The mean loss over held-out windows, in nats a token."""
    losses = [float(next_token_loss(model, chunk)) * len(chunk) for chunk in torch.split(windows_NT, batch)]
    return sum(losses) / len(windows_NT)


class _Batches(torch.utils.data.IterableDataset[Tensor]):
    """The windows in their order, some an update; each is seen once."""

    def __init__(self, windows_NT: Tensor, size: int) -> None:
        self.windows_NT = windows_NT
        self.size = size

    def __iter__(self) -> Iterator[Tensor]:
        for start in range(0, len(self.windows_NT) - self.size + 1, self.size):
            yield self.windows_NT[start : start + self.size]


def pretrain(
    model: Any, windows_NT: Tensor, options: PretrainOptions, on_update: Callable[[float], None]
) -> int:
    """Train a model in place on windows, each once.

    Args:
        model: A causal language model.
        windows_NT: int64 token ids, [N, T].
        options: How.
        on_update: Called with the loss (nats a token) of every update.

    Returns:
        The number of updates.
    """
    updates = len(windows_NT) // options.windows
    module = PretrainModule(model, options, updates, on_update)
    with quiet_lightning():
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            gradient_clip_val=options.clip,
        )
        trainer.fit(module, DataLoader(_Batches(windows_NT, options.windows), batch_size=None))
    return updates
