"""Lightning's strategies by the names of `trainer.strategy`, and where it reads a process's place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from r1light.config.schema import TrainerSpec
from r1light.training import ranks
from r1light.training.forward import blocks


def strategy_of(spec: TrainerSpec, max_grad_norm: float | None) -> Any:
    """A strategy for Lightning's trainer.

    Args:
        spec: What the configuration says.
        max_grad_norm: Where DeepSpeed clips; None for nowhere.
    """
    timeout = timedelta(seconds=spec.timeout)
    if spec.strategy == "ddp":
        from lightning.pytorch.strategies import DDPStrategy

        return DDPStrategy(timeout=timeout) if ranks.world_size() > 1 else "auto"
    if spec.strategy == "fsdp2":
        from lightning.pytorch.strategies import ModelParallelStrategy

        return ModelParallelStrategy(
            data_parallel_size=ranks.world_size(),
            tensor_parallel_size=1,
            save_distributed_checkpoint=False,  # one file, whatever the number of processes
            timeout=timeout,
        )
    return _deepspeed(int(spec.strategy[-1]), spec.offload, max_grad_norm, timeout)


def share_out(module: Any, model: Any) -> None:
    """Make a LightningModule ready for a strategy that shares its weights out; for others do nothing.

    Args:
        module: The LightningModule, its trainer known.
        model: What it trains, a Hugging Face model.
    """
    if module.device_mesh is not None:
        from torch.distributed.fsdp import fully_shard

        mesh = module.device_mesh["data_parallel"]
        for block in blocks(model):
            fully_shard(block, mesh=mesh)
        fully_shard(module, mesh=mesh)
    elif getattr(module.trainer.strategy, "zero_stage_3", False):
        from deepspeed.runtime.zero.partition_parameters import register_external_parameter

        head = model.get_output_embeddings()
        for weight in () if head is None else head.parameters():
            register_external_parameter(module, weight)  # log-probabilities use it past the head's forward


def cluster_environment() -> ClusterEnvironment:
    """Where Lightning reads a process's place: from torchrun, SLURM, or the process that started it."""
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if int(os.environ.get("SLURM_NTASKS", "1")) > 1 and SLURMEnvironment.detect():
        return SLURMEnvironment()
    return LightningEnvironment()


def _deepspeed(stage: int, offload: Sequence[str], max_grad_norm: float | None, timeout: timedelta) -> Any:
    os.environ.setdefault("DS_ACCELERATOR", "cuda" if torch.cuda.is_available() else "cpu")
    from deepspeed import comm
    from lightning.fabric.utilities.seed import reset_seed
    from lightning.pytorch.strategies import DDPStrategy, DeepSpeedStrategy

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
            super().save_checkpoint(checkpoint, aside, storage_options)
            self.barrier()
            if self.is_global_zero:
                shutil.rmtree(target, ignore_errors=True)
                aside.replace(target)
            self.barrier()

    assert issubclass(OnAnyDevice, DDPStrategy)
    return OnAnyDevice(config=_deepspeed_config(stage, offload, max_grad_norm), timeout=timeout)


def _deepspeed_config(stage: int, offload: Sequence[str], max_grad_norm: float | None) -> dict[str, Any]:
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
