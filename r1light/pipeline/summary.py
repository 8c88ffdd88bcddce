"""What a pipeline hands on: the models of its steps."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.core.run_folder import RunFolder
from r1light.pipeline.records import StepRow
from r1light.pipeline.results import placed, read_result


def step_outputs(folder: RunFolder, rows: Sequence[StepRow], story: Sequence[str]) -> dict[str, str]:
    """The model of every step that made one, by its name, and as `model` the last one of the story.

    Of several seeds it is the first one's.

    Args:
        folder: The pipeline's run folder.
        rows: What is known of its steps.
        story: The steps that lead to the last model.
    """
    found: dict[str, str] = {}
    for row in rows:
        if row.state == "done" and row.name not in found:
            own = RunFolder(folder.path / row.folder)
            outputs = read_result(own).outputs
            if "model" in outputs:
                found[row.name] = placed(outputs["model"], own)
    last = next((found[name] for name in reversed(story) if name in found), None)
    return found if last is None else {**found, "model": last}
