"""The processes of one run, one a device: started where nobody has, joined, watched, and none left behind.

torchrun and SLURM start all of a run's processes themselves; else the first one starts the others on its
machine. Each is a rank: it works on its share of the problems and rows. The first alone writes in the folder.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from r1light.config.schema import RunConfig, TrainerSpec
from r1light.core.errors import ConfigError, R1LightError, WorkerError
from r1light.core.lifeline import PARENT_VARIABLE, end_with_parent
from r1light.core.run_folder import RunFolder
from r1light.stages import stage_module
from r1light.stages.followers import Followers

LAUNCHED = "R1LIGHT_LAUNCHED"
"""Tells a process that the run's first one has started it."""


def process_rank() -> int:
    """This process's rank among those of one run; 0 where it is alone."""
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return 0


def shares_training(stage_name: str) -> bool:
    """Whether several processes work on the stage together."""
    return bool(getattr(stage_module(stage_name), "SHARES_TRAINING", False))


@contextmanager
def joined(config: RunConfig, folder: RunFolder | None, overrides: Sequence[str] = ()) -> Iterator[RunFolder]:
    """Be one of the run's processes for as long as the context lasts.

    Args:
        config: The run's configuration.
        folder: The run folder, which the first process has taken; None in the others.
        overrides: The command line's, for the processes that are to be started.

    Yields:
        The run folder.

    Raises:
        ConfigError: There are more or fewer processes than the configuration says.
        WorkerError: Another process is gone, or did not answer within `trainer.timeout` seconds.
    """
    environment = _environment(config.trainer) if shares_training(config.stage_name) else None
    if environment is None:
        assert folder is not None
        yield folder
        return
    with _set(environment):
        followers = Followers(config.trainer.ranks, folder)
        if folder is not None and not _are_started():
            followers.start(
                _command_line(folder, overrides),
                os.environ | {LAUNCHED: "1", PARENT_VARIABLE: str(os.getpid())},
            )
        with followers, _touch_kept(followers, config.trainer):
            yield from _grouped(config, folder)


def _grouped(config: RunConfig, folder: RunFolder | None) -> Iterator[RunFolder]:
    """Join the group, and learn the folder from the first process."""
    from r1light.stages.build import device_of
    from r1light.training import ranks

    if device_of(config) == "cuda":
        import torch

        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    ranks.join(config.trainer.timeout)
    try:
        path = ranks.of_first(lambda: str(folder.path.absolute()) if folder else "")
        yield folder or RunFolder(Path(path))
    finally:
        ranks.leave()


def _are_started() -> bool:
    """Whether torchrun or SLURM has started all processes of the run."""
    tasks = os.environ.get("SLURM_NTASKS", "")
    return "TORCHELASTIC_RUN_ID" in os.environ or (tasks.isdigit() and int(tasks) > 1)


def _environment(spec: TrainerSpec) -> dict[str, str] | None:
    """What torch and Lightning read of this process's place; None where it is alone and needs no group.

    Raises:
        ConfigError: If that is not what the configuration says.
    """
    if LAUNCHED in os.environ:
        end_with_parent()
        return {}
    if _are_started():
        from r1light.training.strategies import cluster_environment

        by = cluster_environment()
        if by.world_size() != spec.ranks:
            raise ConfigError(
                f"{by.world_size()} processes were started, and trainer.devices={spec.devices} x "
                f"trainer.nodes={spec.nodes} is {spec.ranks}; let them be what torchrun or SLURM was told"
            )
        place = (by.global_rank(), by.local_rank(), by.world_size())
        return _place(*place, by.main_address, by.main_port)
    if spec.nodes > 1:
        raise ConfigError(
            f"trainer.nodes={spec.nodes}: several machines need torchrun or SLURM to start the processes; "
            "docs/scaling.md says how"
        )
    if spec.ranks == 1 and spec.strategy == "ddp":
        return None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return _place(0, 0, spec.ranks, "127.0.0.1", free.getsockname()[1])


def _place(rank: int, local_rank: int, world_size: int, address: str, port: int) -> dict[str, str]:
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(local_rank),
        "WORLD_SIZE": str(world_size),
        "MASTER_ADDR": address,
        "MASTER_PORT": str(port),
    }


def _command_line(folder: RunFolder, overrides: Sequence[str]) -> list[str]:
    from r1light.config.running import as_arguments, running_source
    from r1light.pipeline.overrides import literal

    place = f"hydra.run.dir={literal(str(folder.path.absolute()))}"
    return [sys.executable, "-m", "r1light", *as_arguments(running_source()), *overrides, place]


@contextmanager
def _set(environment: Mapping[str, str]) -> Iterator[None]:
    """Have these in the environment."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)  # Lightning takes some away itself
            else:
                os.environ[name] = value


@contextmanager
def _touch_kept(followers: Followers, spec: TrainerSpec) -> Iterator[None]:
    """Say which process is gone, or keeps the others waiting, where the group broke up.

    Raises:
        WorkerError: If it did.
    """
    try:
        yield
    except R1LightError:
        raise
    except RuntimeError as error:
        told = followers.told()
        if told is None and not _of_the_group(error):
            raise
        reason = " ".join(str(error).split("\n")[0].split())
        late = f"another process is gone or gave no answer in trainer.timeout={spec.timeout:g} s ({reason})"
        raise WorkerError(told or f"rank {process_rank()}: {late}{followers.words()}") from error


def _of_the_group(error: RuntimeError) -> bool:
    from torch.distributed import DistError

    return isinstance(error, DistError) or any(word in str(error).lower() for word in ("gloo", "nccl"))
