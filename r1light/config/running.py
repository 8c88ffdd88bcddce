"""Where the configuration of the running command line comes from, for those that it starts."""

from __future__ import annotations

from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from r1light.config.compose import Source
from r1light.config.search_path import conf_dir


def running_source() -> Source:
    """The source that Hydra composed this process's job from; ours where Hydra runs none."""
    if not HydraConfig.initialized():
        return Source()
    config = HydraConfig.get()
    folders = {str(each.provider): str(each.path) for each in config.runtime.config_sources}
    main = folders.get("main")
    ours = main is None or Path(main).absolute() == conf_dir()
    return Source(str(config.job.config_name), None if ours else main, folders.get("command-line"))


def as_arguments(source: Source) -> list[str]:
    """The words of a command line that compose from there."""
    words = [] if source.config_name == "config" else ["--config-name", source.config_name]
    words += ["--config-path", source.config_path] if source.config_path else []
    return words + (["--config-dir", source.config_dir] if source.config_dir else [])
