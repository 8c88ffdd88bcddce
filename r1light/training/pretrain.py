"""Next-token training of a causal language model on a stream of documents: how the miniature bases are made.

Shapes: N windows, T tokens a window, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import lightning
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from r1light.training.muon import Muon
from r1light.training.quiet import quiet_lightning
from r1light.training.schedule import learning_rate_factor


@dataclass(frozen=True, slots=True)
class PretrainOptions:
    """How a base is trained.

    Attributes:
        lr: The peak learning rate of AdamW, for embeddings, norms and biases.
        matrix_lr: The peak learning rate of Muon, for the other matrices.
        warmup: Updates over which the learning rates rise linearly.
        weight_decay: On matrices and embeddings; none on norms and biases.
        windows: Windows an update.
        clip: The largest norm of the gradient.
        end_token: Closes a document: tokens after it do not see it, and count their positions anew. None
            where a window is one document.
    """

    lr: float
    matrix_lr: float = 0.012
    warmup: int = 40
    weight_decay: float = 0.01
    windows: int = 32
    clip: float = 1.0
    end_token: int | None = None


class PretrainModule(lightning.LightningModule):
    """Muon and AdamW on the mean cross-entropy of the next token, over all tokens of a window."""

    def __init__(
        self, model: Any, options: PretrainOptions, updates: int, on_update: Callable[[float], None]
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # there are two optimisers to an update
        self.model = model
        self.options = options
        self.updates = updates
        self.on_update = on_update

    def training_step(self, window_NT: Tensor, _index: int) -> None:
        """One update on a batch of windows."""
        loss = next_token_loss(self.model, window_NT, self.options.end_token)
        self.manual_backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        optimizers, schedules = cast("list[Any]", self.optimizers()), cast("list[Any]", self.lr_schedulers())
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
        self.on_update(float(loss.detach()))

    def configure_optimizers(self) -> Any:
        """Muon for the matrices inside the blocks, AdamW for the rest."""
        options = self.options
        embeddings = {id(self.model.get_input_embeddings().weight)}
        if (head := self.model.get_output_embeddings()) is not None:
            embeddings.add(id(head.weight))
        parameters = list(self.model.parameters())
        matrices = [p for p in parameters if p.ndim == 2 and id(p) not in embeddings]
        tables = [p for p in parameters if id(p) in embeddings]
        vectors = [p for p in parameters if p.ndim < 2]
        adamw = torch.optim.AdamW(
            [
                {"params": tables, "weight_decay": options.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=options.lr,
            betas=(0.9, 0.95),
        )
        muon = Muon(matrices, lr=options.matrix_lr, weight_decay=options.weight_decay)
        schedules = [
            torch.optim.lr_scheduler.LambdaLR(
                optimizer,
                lambda update: learning_rate_factor("cosine", update, options.warmup, self.updates),
            )
            for optimizer in (muon, adamw)
        ]
        return [muon, adamw], schedules


def next_token_loss(model: Any, window_NT: Tensor, end_token: int | None = None) -> Tensor:
    """The mean cross-entropy of tokens 1..T-1 given those before in their document, in nats a token."""
    inputs_NT = window_NT[:, :-1]
    positions_NT = None if end_token is None else positions_in_documents(inputs_NT, end_token)
    logits_NTV = model(input_ids=inputs_NT, position_ids=positions_NT, use_cache=False).logits
    return F.cross_entropy(logits_NTV.flatten(0, 1), window_NT[:, 1:].flatten())


def positions_in_documents(window_NT: Tensor, end_token: int) -> Tensor:
    """Every token's distance from the beginning of its document, or of the window.

    transformers' models take positions that begin anew for documents that do not see each other.

    Args:
        window_NT: int64 token ids, [N, T].
        end_token: The last token of a document.

    Returns:
        int64, [N, T].

    Example:
        >>> positions_in_documents(torch.tensor([[5, 5, 0, 5, 0, 5]]), 0).tolist()
        [[0, 1, 2, 0, 1, 0]]
    """
    index_T = torch.arange(window_NT.shape[1], device=window_NT.device)
    begins_NT = torch.zeros_like(window_NT, dtype=torch.bool)
    begins_NT[:, 1:] = window_NT[:, :-1] == end_token
    return index_T - torch.where(begins_NT, index_T, 0).cummax(dim=1).values


@torch.no_grad()
def held_out_loss(model: Any, windows_NT: Tensor, end_token: int | None = None, batch: int = 64) -> float:
    """The mean loss over held-out windows, in nats a token."""
    return sum(
        float(next_token_loss(model, chunk.to(model.device), end_token)) * len(chunk)
        for chunk in torch.split(windows_NT, batch)
    ) / len(windows_NT)


class _Batches(torch.utils.data.IterableDataset[Tensor]):
    """The windows in their order, some an update; each is seen once."""

    def __init__(self, windows_NT: Tensor, size: int) -> None:
        self.windows_NT = windows_NT
        self.size = size

    def __iter__(self) -> Iterator[Tensor]:
        for start in range(0, len(self.windows_NT) - self.size + 1, self.size):
            yield self.windows_NT[start : start + self.size]


def pretrain(
    model: Any,
    windows_NT: Tensor,
    options: PretrainOptions,
    on_update: Callable[[float], None],
    device: str = "cpu",
) -> int:
    """Train a model in place on windows, each once.

    Args:
        model: A causal language model.
        windows_NT: int64 token ids, [N, T].
        options: How.
        on_update: Called with the loss (nats a token) of every update.
        device: Where to train, "cpu" or "cuda"; the model is there afterwards.

    Returns:
        The number of updates.
    """
    updates = len(windows_NT) // options.windows
    module = PretrainModule(model, options, updates, on_update)
    with quiet_lightning():
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu" if device == "cpu" else "gpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, DataLoader(_Batches(windows_NT, options.windows), batch_size=None))
    return updates
