"""`rollout=hf`: `model.generate` of transformers, for any architecture it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from r1light.core.errors import EngineError
from r1light.core.protocols import Decode
from r1light.core.types import Group, RolloutRequest, SamplingParams
from r1light.rollout.drafts import Collector, Draft, Endings, check_requests, drafts_of
from r1light.rollout.lifecycle import Lifecycle

if TYPE_CHECKING:
    from torch import Tensor

    from r1light.rollout.hf_live import HuggingFaceLive

UNLIMITED = 1 << 30
"""The context of an architecture that states none, in tokens."""


class HuggingFace:
    """Generates with the module it is given, a batch of rows after another, padded on the left.

    The module is used, not copied: `load_weights` writes into it. Draws are those of `rollout=native`.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """How rows are batched."""

        batch_size: int = 128
        """Completions written at a time."""

        def __post_init__(self) -> None:
            if self.batch_size < 1:
                raise ValueError(f"rollout.batch_size={self.batch_size} must be at least 1")

    shares_weights = True
    """The model that is given writes, and no copy of it."""

    def __init__(self, config: Config, model: Any, decode: Decode, eos_ids: Sequence[int]) -> None:
        """Take a model.

        Args:
            config: How rows are batched.
            model: A transformers causal language model.
            decode: Ids to text.
            eos_ids: Every id that ends a completion.
        """
        self._config = config
        self._model = model
        self._decode = decode
        self._eos_ids = tuple(eos_ids)
        self._life = Lifecycle()

    def generate(self, requests: Iterable[RolloutRequest], params: SamplingParams) -> Iterator[Group]:
        """Yield the groups as batches finish, longest prompts first.

        Raises:
            DataError: At once, if a prompt leaves no room in the model's context.
            EngineError: If the engine is closed, or its weights give no finite probabilities.
        """
        run = self._life.begin()
        todo = list(requests)
        context = self._context()
        check_requests(todo, context, self._model.get_input_embeddings().weight.shape[0])
        return self._groups(run, todo, params, context)

    def live(self) -> HuggingFaceLive:
        """A run that requests join and leave, one completion's token after another's."""
        from r1light.rollout.hf_live import HuggingFaceLive

        run = self._life.begin()
        self._model.eval()
        return HuggingFaceLive(
            self._model,
            lambda params: Endings(self._decode, self._eos_ids, params.stop, self._life.version),
            lambda: self._life.aborted(run),
            self._config.batch_size,
            self._context(),
        )

    def load_weights(self, named_tensors: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Copy tensors into the module; those that are its own already stay where they are.

        Raises:
            EngineError: If a name or a shape is not the module's.
        """
        import torch

        self._life.weights_changed(version)
        own = self._model.state_dict(keep_vars=True)
        with torch.no_grad():
            for name, tensor in named_tensors:
                if name not in own or own[name].shape != tensor.shape:
                    raise EngineError(
                        f"the rollout model has no weight {name!r} of shape {tuple(tensor.shape)}"
                    )
                if own[name].data_ptr() != tensor.data_ptr():
                    own[name].copy_(tensor)

    def abort(self) -> None:
        """End what is being written; the groups still come, with what there is so far."""
        self._life.abort()

    def close(self) -> None:
        """Let the model go."""
        self._life.close()
        self._model = None

    def _context(self) -> int:
        text_config = self._model.config.get_text_config()
        return getattr(text_config, "max_position_embeddings", None) or UNLIMITED

    def _groups(
        self, run: int, requests: list[RolloutRequest], params: SamplingParams, context: int
    ) -> Iterator[Group]:
        endings = Endings(self._decode, self._eos_ids, params.stop, self._life.version)
        collector = Collector(requests, params.n)
        drafts = drafts_of(requests, params, context)
        for start in range(0, len(drafts), self._config.batch_size):
            batch = drafts[start : start + self._config.batch_size]
            if not self._life.aborted(run):
                self._write(run, requests, batch, params, endings)
            for draft in batch:
                group = collector.add(draft, endings.complete(draft))
                if group is not None:
                    yield group

    def _write(
        self,
        run: int,
        requests: Sequence[RolloutRequest],
        batch: Sequence[Draft],
        params: SamplingParams,
        endings: Endings,
    ) -> None:
        """Complete the drafts of one batch in place."""
        import torch
        from transformers import GenerationConfig

        from r1light.rollout.hf_hooks import Chooser, Recorder

        prompts = [requests[draft.group].prompt_ids for draft in batch]
        width = max(map(len, prompts))
        device = self._model.get_input_embeddings().weight.device
        rows = [[0] * (width - len(ids)) + list(ids) for ids in prompts]
        mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
        chooser = Chooser([(requests[draft.group].key, draft.index) for draft in batch], params, width)
        recorder = Recorder(batch, endings, chooser, lambda: self._life.aborted(run))
        model, training, theirs = self._model, self._model.training, self._model.generation_config
        # `generate` fills what it is not told from the model's own generation config, such as Qwen2.5's
        # repetition penalty, which would bend the distribution; an empty one leaves it alone.
        model.generation_config = GenerationConfig()
        model.eval()
        try:
            with torch.no_grad():
                model.generate(
                    input_ids=torch.tensor(rows, device=device),
                    attention_mask=torch.tensor(mask, device=device),
                    max_new_tokens=max(draft.cap for draft in batch),
                    do_sample=False,
                    pad_token_id=0,
                    logits_processor=[chooser],
                    stopping_criteria=[recorder],
                )
        finally:
            model.generation_config = theirs
            model.train(training)
