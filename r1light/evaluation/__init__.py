"""Evaluation: the paper's protocol, and the benchmarks that it is asked on."""

from collections.abc import Mapping

BUILTINS = {
    "aime24": "r1light.evaluation.tasks.competitions:AIME_2024",
    "aime25": "r1light.evaluation.tasks.competitions:AIME_2025",
    "alpaca_eval": "r1light.evaluation.tasks.alpaca_eval:ALPACA_EVAL",
    "arena_hard": "r1light.evaluation.tasks.arena_hard:ARENA_HARD",
    "arithmetic": "r1light.evaluation.tasks.generated:ARITHMETIC",
    "c_simpleqa": "r1light.evaluation.tasks.simple_qa:C_SIMPLE_QA",
    "simpleqa": "r1light.evaluation.tasks.simple_qa:SIMPLE_QA",
}

GROUPS: Mapping[str, tuple[str, ...]] = {
    "competitions": ("aime24", "aime25"),
    "judged": ("alpaca_eval", "arena_hard", "simpleqa", "c_simpleqa"),
}
"""Names that stand for several tasks in `stage.tasks`."""
