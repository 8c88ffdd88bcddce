"""Methods that vLLM's worker gets besides its own; this file is imported inside vLLM.

vLLM mixes the class into its worker: `--worker-extension-cls`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

EXTENSION = f"{__name__}.WeightUpdates"


class WeightUpdates:
    """Takes new weights by their Hugging Face names."""

    def r1light_load(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Replace the weights by tensors of this process."""
        worker: Any = self
        worker.reload_weights(weights_iterator=iter(weights))
        _pack_head_again(worker.get_model())

    def r1light_load_file(self, path: str) -> None:
        """Replace the weights by those of a safetensors file."""
        from safetensors.torch import load_file

        self.r1light_load(load_file(path).items())


def _pack_head_again(model: Any) -> None:
    """On a CPU vLLM packs a head that is tied to the embedding when it loads, and not when it reloads."""
    head = getattr(model, "lm_head", None)
    if not hasattr(head, "cpu_linear"):
        return
    from vllm.model_executor.layers.utils import dispatch_cpu_unquantized_gemm

    dispatch_cpu_unquantized_gemm(head, remove_weight=False)
