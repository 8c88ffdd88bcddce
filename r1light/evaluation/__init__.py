"""Evaluation: the paper's protocol, and the benchmarks that it is asked on."""

from collections.abc import Mapping

BUILTINS = {
    "aime24": "r1light.evaluation.tasks.competitions:AIME_2024",
    "aime25": "r1light.evaluation.tasks.competitions:AIME_2025",
    "arithmetic": "r1light.evaluation.tasks.generated:ARITHMETIC",
    "drop": "r1light.evaluation.tasks.drop:Drop",
    "frames": "r1light.evaluation.tasks.frames:Frames",
    "ifeval": "r1light.evaluation.tasks.ifeval:IFEval",
}

GROUPS: Mapping[str, tuple[str, ...]] = {
    "competitions": ("aime24", "aime25"),
}
"""Names that stand for several tasks in `stage.tasks`."""
