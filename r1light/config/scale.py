"""`stage.scale`: a smaller version of a pipeline, which its YAML writes below `scales`."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from r1light.core.errors import ConfigError, unknown_name

_NAMED = ("inputs", "steps", "questions")
"""What a scale changes by name; it adds none."""


def apply_scale(config: DictConfig, overrides: Sequence[str]) -> None:
    """Merge the scale that `stage.scale` names into the pipeline; what the command line says still wins.

    Args:
        config: A composed configuration, changed in place; nothing happens where no scale is asked for.
        overrides: The command line's overrides, those of `pipeline.` are applied again.

    Raises:
        ConfigError: There is no such scale, or it names steps, inputs or questions that the pipeline lacks.
    """
    scale = OmegaConf.select(config, "stage.scale")
    if OmegaConf.select(config, "stage.name") != "pipeline" or not isinstance(scale, str):
        return
    pipeline = config.get("pipeline")
    scales = (pipeline or {}).get("scales") or {}
    if scale not in scales:
        raise unknown_name("stage.scale", scale, map(str, scales))
    for key in _NAMED:
        known = [str(name) for name in pipeline.get(key) or {}]
        for name in scales[scale].get(key) or {}:
            if str(name) not in known:
                path = f"pipeline.scales.{scale}.{key}"
                raise ConfigError(f"{path}: {unknown_name(key[:-1], str(name), known)}")
    with open_dict(config):
        config.pipeline = OmegaConf.merge(pipeline, scales[scale])
        _apply_again(config, overrides)


def _apply_again(config: DictConfig, overrides: Sequence[str]) -> None:
    ours = [line for line in overrides if line.lstrip("+~").startswith("pipeline.")]
    for override in OverridesParser.create().parse_overrides(ours):
        key = str(override.key_or_group)
        if override.is_delete():
            parent, _, name = key.rpartition(".")
            OmegaConf.select(config, parent).pop(name, None)
        else:
            OmegaConf.update(config, key, override.value(), merge=True)
