"""DeepSpeed: ZeRO stages 1, 2 and 3 under Lightning, and the weights that stage 3 shares out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, redirect_stdout
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from r1light.core.errors import StorageError
from r1light.training.digest import note_digest

_AUTOCAST = {
    "bf16": {"enabled": False},  # Lightning would enable it, and it casts the weights
    "torch_autocast": {
        "enabled": True,  # else DeepSpeed's forward pass ends the one around it
        "dtype": "bfloat16",
        "lower_precision_safe_modules": [],  # whose weights and gradients would be sent in 16 bits
    },
}
"""What DeepSpeed is told of mixed precision."""


def gathered(parameter: Any) -> AbstractContextManager[Any]:
    """A context in which a parameter of ZeRO-3 is whole; all processes have to enter it."""
    from deepspeed.runtime.zero.partition_parameters import GatheredParameters

    context: AbstractContextManager[Any] = GatheredParameters([parameter])
    return context


def gather_with(module: Any, part: Any) -> None:
    """Have a part's own weights be whole in the module's forward and backward passes too (ZeRO-3)."""
    from deepspeed.runtime.zero.partition_parameters import register_external_parameter

    for parameter in part.parameters():
        register_external_parameter(module, parameter)


def consolidated(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The trained weights of a checkpoint folder, whole, in float32, in the host's memory.

    The folder holds pickles, as DeepSpeed writes them: read only what you trust.
    """
    from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

    with redirect_stdout(StringIO()):  # it tells its progress there
        weights: dict[str, torch.Tensor] = get_fp32_state_dict_from_zero_checkpoint(
            str(checkpoint), tag="checkpoint", exclude_frozen_parameters=True
        )
    return weights


def strategy(
    stage: int, offload: Sequence[str], precision: str, max_grad_norm: float | None, timeout: timedelta
) -> Any:
    """Lightning's strategy for a ZeRO stage, on GPUs or CPUs.

    Args:
        stage: 1, 2 or 3.
        offload: What is kept in the host's memory: "optimizer", "parameters".
        precision: Lightning's name; "bf16-mixed" is autocast over float32 weights, as elsewhere.
        max_grad_norm: Where gradients are clipped; None for nowhere.
        timeout: How long a process waits for another.
    """
    os.environ.setdefault("DS_ACCELERATOR", "cuda" if torch.cuda.is_available() else "cpu")
    from deepspeed import comm, ops
    from lightning.fabric.utilities.seed import reset_seed
    from lightning.pytorch.strategies import DeepSpeedStrategy

    if os.environ["DS_ACCELERATOR"] == "cpu":
        # else a reduction for inference would be compiled first, which takes a compiler and a minute
        ops.__compatible_ops__ = {"deepspeed_shm_comm": False}

    class OnAnyDevice(DeepSpeedStrategy):
        """Lightning's strategy, which refuses CPUs, on any device; a checkpoint is whole or absent."""

        @property
        def root_device(self) -> torch.device:
            assert self.parallel_devices is not None
            device = self.parallel_devices[self.local_rank]
            return torch.device("cpu", 0) if device.type == "cpu" else device

        def setup_environment(self) -> None:
            super(DeepSpeedStrategy, self).setup_environment()

        def setup_distributed(self) -> None:
            reset_seed()
            self.set_world_ranks()
            comm.init_distributed()  # joins the group that is there

        def save_checkpoint(
            self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None
        ) -> None:
            target = Path(filepath)
            aside = target.with_name(f".{target.name}.new")
            if self.is_global_zero:
                shutil.rmtree(aside, ignore_errors=True)
            self.barrier()
            try:
                super().save_checkpoint(checkpoint, aside, storage_options)
            except (OSError, RuntimeError) as error:
                if not isinstance(error, OSError) and "StreamWriter" not in str(error):
                    raise  # no write of torch's that failed
                raise StorageError(f"cannot save the checkpoint {target}: {error}") from error
            self.barrier()
            if self.is_global_zero:
                shutil.rmtree(target, ignore_errors=True)
                note_digest(aside, target)
                aside.replace(target)
            self.barrier()

    mixed = precision == "bf16-mixed"
    return OnAnyDevice(
        config=_config(stage, offload, max_grad_norm) | (_AUTOCAST if mixed else {}),
        precision_plugin=_autocast(os.environ["DS_ACCELERATOR"]) if mixed else None,
        timeout=timeout,
        exclude_frozen_parameters=True,  # adapters alone, where those are trained
    )


def _autocast(device: str) -> Any:
    """Lightning's precision plugin for it: DeepSpeed steps, and a whole training step has one context.

    DeepSpeed's own keeps weights in 16 bits for as long as it lasts: those of before the last update.
    """
    from lightning.pytorch.plugins.precision import DeepSpeedPrecision, MixedPrecision

    class Autocast(DeepSpeedPrecision):
        def forward_context(self) -> AbstractContextManager[Any]:
            context: AbstractContextManager[Any] = MixedPrecision("bf16-mixed", device).forward_context()
            return context

    return Autocast("bf16-mixed")


def _config(stage: int, offload: Sequence[str], max_grad_norm: float | None) -> dict[str, Any]:
    """What DeepSpeed is told; the optimiser is torch's own."""
    zero: dict[str, Any] = {"stage": stage}
    if "optimizer" in offload:
        zero["offload_optimizer"] = {"device": "cpu"}
    if "parameters" in offload:
        zero["offload_param"] = {"device": "cpu"}
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_clipping": max_grad_norm or 0.0,
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
    }
