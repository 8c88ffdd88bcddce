"""Where rows of metrics go besides metrics.jsonl: Lightning's loggers, and Trackio, which it has none for."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from r1light.config.logger_schema import LoggerSpec, MlflowOptions, TrackioOptions, WandbOptions
from r1light.core.errors import ConfigError

PACKAGES: Mapping[str, str] = {
    "tensorboard": "tensorboard",
    "wandb": "wandb",
    "trackio": "trackio",
    "mlflow": "mlflow",
}
"""What a logger imports."""


class Tracker(Protocol):
    """One place that rows go to."""

    remembers: bool
    """Whether it keeps what an interrupted session sent; one that does not is sent all rows again."""

    def metrics(self, row: Mapping[str, float], step: int) -> None:
        """Take the numbers of one row."""
        ...

    def samples(self, rows: Sequence[Mapping[str, Any]], step: int) -> None:
        """Take some completions."""
        ...

    def close(self, model: Path | None, *, failed: bool) -> None:
        """Write out what is left; `model` is the trained one, of a run that has ended well."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """What a tracker is opened with.

    Attributes:
        folder: The run folder.
        config: The configuration, secrets masked.
        ids: The run's id by tracker, of an earlier session; new ones are added to it.
    """

    folder: Path
    config: Mapping[str, Any]
    ids: dict[str, str]


def check_packages(spec: LoggerSpec) -> None:
    """Refuse a logger whose package is not installed.

    Raises:
        ConfigError: Names the package, and what installs it.
    """
    for name in spec.chosen():
        if name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is None:
            raise ConfigError(
                f"logger={name} needs the package {PACKAGES[name]}: pip install 'r1light[{name}]'"
            )


def open_tracker(name: str, options: Any, session: Session) -> Tracker:
    """Open one tracker.

    Raises:
        Exception: Whatever its library raises where it cannot be opened.
    """
    tracker: Tracker = _OPENERS[name](options, session)
    return tracker


class LightningTracker:
    """One of Lightning's loggers."""

    def __init__(self, logger: Any, *, remembers: bool) -> None:
        self.logger = logger
        self.remembers = remembers

    def metrics(self, row: Mapping[str, float], step: int) -> None:
        """Log the numbers."""
        self.logger.log_metrics(row, step)
        self.logger.save()

    def samples(self, rows: Sequence[Mapping[str, Any]], step: int) -> None:
        """These have no place for texts."""

    def close(self, model: Path | None, *, failed: bool) -> None:
        """Flush."""
        del model
        self.logger.finalize("failed" if failed else "success")


def _csv(options: Any, session: Session) -> Tracker:
    from lightning.pytorch.loggers import CSVLogger

    del options
    shutil.rmtree(session.folder / "csv", ignore_errors=True)
    return _configured(CSVLogger(session.folder, name="", version="csv"), session, remembers=False)


def _tensorboard(options: Any, session: Session) -> Tracker:
    from lightning.pytorch.loggers import TensorBoardLogger

    del options
    shutil.rmtree(session.folder / "tensorboard", ignore_errors=True)
    logger = TensorBoardLogger(session.folder, name="", version="tensorboard", default_hp_metric=False)
    return _configured(logger, session, remembers=False)


def _mlflow(options: MlflowOptions, session: Session) -> Tracker:
    from lightning.pytorch.loggers import MLFlowLogger

    uri = options.tracking_uri or f"sqlite:///{(session.folder / 'mlflow.db').absolute()}"
    logger = MLFlowLogger(
        options.experiment, session.folder.name, tracking_uri=uri, run_id=session.ids.get("mlflow")
    )
    if "mlflow" not in session.ids:  # which refuses a parameter that has changed since
        logger.log_hyperparams(dict(session.config))
    session.ids["mlflow"] = str(logger.run_id)
    return LightningTracker(logger, remembers=True)


def _configured(logger: Any, session: Session, *, remembers: bool) -> LightningTracker:
    logger.log_hyperparams(dict(session.config))
    return LightningTracker(logger, remembers=remembers)


class WandbTracker(LightningTracker):
    """A run of Weights & Biases: numbers, tables of samples, the configuration, and the model on request."""

    def __init__(self, options: WandbOptions, session: Session) -> None:
        from lightning.pytorch.loggers import WandbLogger
        from wandb import Settings

        self.options = options
        name = options.name or session.folder.name
        wanted: dict[str, Any] = {
            "entity": options.entity,
            "group": options.group,
            "tags": options.tags,
            "mode": options.mode,
        }
        wanted["settings"] = Settings(x_disable_meta=True)  # it would tell the command line, secrets and all
        logger: Any = WandbLogger(
            name, session.folder, version=session.ids["wandb"], project=options.project, **wanted
        )
        logger.experiment.config.update(dict(session.config), allow_val_change=True)
        super().__init__(logger, remembers=True)

    def samples(self, rows: Sequence[Mapping[str, Any]], step: int) -> None:
        """Log a table, `samples/<phase>`."""
        phase = str(rows[0].get("phase", "train"))
        every = self.options.samples_every
        if phase == "train" and (not every or step % every):
            return
        columns = [name for name in rows[0] if name not in ("phase", "time")]
        data = [[_cell(row.get(name)) for name in columns] for row in rows]
        self.logger.log_table(f"samples/{phase}", columns, data, step=step)

    def close(self, model: Path | None, *, failed: bool) -> None:
        """Upload the model if that was asked for, and end the run's session."""
        if model is not None and self.options.artifacts:
            import wandb

            artifact = wandb.Artifact(f"model-{self.logger.version}", type="model")
            artifact.add_dir(str(model))
            self.logger.experiment.log_artifact(artifact)
        self.logger.experiment.finish(exit_code=int(failed))


def _cell(value: Any) -> Any:
    """A value of a table: numbers and texts as they are, the rest as text."""
    return value if isinstance(value, int | float | str | None) else str(value)


class TrackioTracker:
    """A run of Trackio."""

    remembers = True

    def __init__(self, options: TrackioOptions, session: Session) -> None:
        import trackio

        unique = f"{session.folder.name}-{secrets.token_hex(4)}"  # folders of a sweep are named 0, 1, ...
        name = session.ids.setdefault("trackio", unique)
        self.run = trackio.init(
            options.project, name, space_id=options.space_id, config=dict(session.config), resume="allow"
        )

    def metrics(self, row: Mapping[str, float], step: int) -> None:
        """Log the numbers."""
        self.run.log(dict(row), step=step)

    def samples(self, rows: Sequence[Mapping[str, Any]], step: int) -> None:
        """Trackio gets numbers alone."""

    def close(self, model: Path | None, *, failed: bool) -> None:
        """Send what is left."""
        self.run.finish()


_OPENERS: Mapping[str, Any] = {
    "csv": _csv,
    "tensorboard": _tensorboard,
    "wandb": WandbTracker,
    "trackio": TrackioTracker,
    "mlflow": _mlflow,
}
