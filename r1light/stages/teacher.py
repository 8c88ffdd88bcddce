"""The teacher of a distillation, and whether the student can learn from its distribution."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.registry import registry
from r1light.core.run_folder import RunFolder
from r1light.training.distill_options import DistillOptions

if TYPE_CHECKING:
    from r1light.training.distill import Teacher
    from r1light.training.sft import SftRow

_log = logging.getLogger(__name__)

CACHE_FOLDER = "teacher_top_k"
"""Where the teacher's top k stand in a run folder."""


def load_teacher(config: RunConfig) -> Any:
    """The teacher, frozen, on the device that is trained on: a `LoadedModel`; None where none is named.

    Raises:
        ModelError: If it cannot be loaded, or its logits are not its head's.
    """
    from r1light.models.pretrained import Pretrained
    from r1light.stages.build import device_of
    from r1light.training.forward import check_head

    options: DistillOptions = config.stage
    name = options.teacher
    if name is None:
        return None
    models = registry("models")
    known = {entry.name for entry in models.entries()} - {"hf"}
    if name in known and not Path(name).is_dir():
        config_type = models.config_type(name)
        component = models.create(name, config_type() if config_type else None)
    else:
        component = Pretrained(Pretrained.Config(path=name, dtype=options.teacher_dtype))
    loaded = component.load(device_of(config))
    loaded.model.requires_grad_(False).eval()
    check_head(loaded.model)
    return loaded


def teacher_of_texts(
    config: RunConfig, folder: RunFolder, loaded: Any, vocabulary: int, rows: list[SftRow]
) -> Teacher:
    """What says how the rows should go on: the teacher itself, or its top k on disk.

    Args:
        config: The run's configuration.
        folder: The run folder.
        loaded: The teacher.
        vocabulary: The ids that it has in common with the student.
        rows: All rows that it will be asked about.

    Raises:
        ConfigError: If `stage.cache` is of something else.
    """
    from r1light.stages.build import device_of
    from r1light.stages.supervised import forward_tokens
    from r1light.training import ranks
    from r1light.training.distill import LiveTeacher
    from r1light.training.teacher_cache import Origin, TeacherCache, rows_hash, weights_hash

    options: DistillOptions = config.stage
    if options.top_k is None:
        return LiveTeacher(loaded.model, vocabulary, options.divergence, options.temperature)
    origin = Origin(
        teacher=weights_hash(loaded.model),
        rows=rows_hash(rows),
        top_k=min(options.top_k, vocabulary),
        temperature=options.temperature,
        vocabulary=vocabulary,
    )
    place = Path(options.cache) if options.cache else folder.path / CACHE_FOLDER
    cache = TeacherCache(place, origin, rows, options.divergence)

    def fill() -> None:
        cache.check(rebuild=options.cache is None)
        cache.fill(loaded.model, forward_tokens(config), device_of(config))

    ranks.of_first(fill)  # the others wait
    return cache
