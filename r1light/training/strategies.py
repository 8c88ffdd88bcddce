"""Lightning's strategies by the names of `trainer.strategy`, and where it reads a process's place."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from lightning.fabric.plugins import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from r1light.config.schema import TrainerSpec
from r1light.training import ranks, zero
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
    return zero.strategy(int(spec.strategy[-1]), spec.offload, spec.precision, max_grad_norm, timeout)


def share_out(module: Any, model: Any) -> None:
    """Make a LightningModule ready for a strategy that shares its weights out; for others do nothing.

    Args:
        module: The LightningModule, its trainer known.
        model: What it trains, a Hugging Face model.
    """
    module.strict_loading = all(each.requires_grad for each in model.parameters())  # see keep_trained
    if module.device_mesh is not None:
        from torch.distributed.fsdp import fully_shard

        mesh = module.device_mesh["data_parallel"]
        for block in blocks(model):
            fully_shard(block, mesh=mesh)
        fully_shard(module, mesh=mesh)
    elif getattr(module.trainer.strategy, "zero_stage_3", False):
        head = model.get_output_embeddings()
        if head is not None:
            zero.gather_with(module, head)  # log-probabilities use it past its own forward


def cluster_environment() -> ClusterEnvironment:
    """Where Lightning reads a process's place: from torchrun, SLURM, or the process that started it."""
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if int(os.environ.get("SLURM_NTASKS", "1")) > 1 and SLURMEnvironment.detect():
        return SLURMEnvironment(auto_requeue=False)  # signals are ours to take: see training/interrupt.py
    return LightningEnvironment()
