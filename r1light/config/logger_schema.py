"""The options of loggers: where metrics go besides metrics.jsonl, which is always written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """`logger=csv`: <run folder>/csv/metrics.csv."""


@dataclass(frozen=True, slots=True)
class TensorboardOptions:
    """`logger=tensorboard`: event files in <run folder>/tensorboard."""


@dataclass(frozen=True, slots=True)
class WandbOptions:
    """`logger=wandb`: Weights & Biases. The key is what `wandb login` keeps, or WANDB_API_KEY."""

    project: str = "r1light"
    """The project that the run is shown in."""
    entity: str | None = None
    """The user or team; null for the key's own."""
    name: str | None = None
    """The run's name; null for the run folder's."""
    group: str | None = None
    """What the run is grouped with, such as a sweep."""
    tags: tuple[str, ...] = ()
    """Words to find the run by."""
    mode: Literal["online", "offline"] = "online"
    """offline needs no account and no network; `wandb sync` sends the run later."""
    samples_every: int = 10
    """Iterations from one table of samples to the next; 0 for none but those before and after training."""
    artifacts: bool = False
    """Whether the trained model is uploaded at the end."""

    def __post_init__(self) -> None:
        if self.samples_every < 0:
            raise ValueError(f"samples_every={self.samples_every} must not be negative")


@dataclass(frozen=True, slots=True)
class TrackioOptions:
    """`logger=trackio`: a local board, shown by `trackio show`."""

    project: str = "r1light"
    """The project that the run is shown in."""
    space_id: str | None = None
    """A Space on the hub to show it in, as user/space; null keeps it on this machine."""


@dataclass(frozen=True, slots=True)
class MlflowOptions:
    """`logger=mlflow`."""

    experiment: str = "r1light"
    """The experiment that the run belongs to."""
    tracking_uri: str | None = None
    """The server, such as http://127.0.0.1:5000; null for <run folder>/mlflow.db."""


@dataclass(frozen=True, slots=True)
class LoggerSpec:
    """Those loggers that the run has: `logger=csv`, or several: `logger=[csv,wandb]`."""

    csv: CsvOptions | None = None
    tensorboard: TensorboardOptions | None = None
    wandb: WandbOptions | None = None
    trackio: TrackioOptions | None = None
    mlflow: MlflowOptions | None = None

    def chosen(self) -> dict[str, Any]:
        """The options of those that are asked for, by name."""
        known = {name: getattr(self, name) for name in ("csv", "tensorboard", "wandb", "trackio", "mlflow")}
        return {name: options for name, options in known.items() if options is not None}
