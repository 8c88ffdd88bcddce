"""Evaluation: the paper's protocol, and the benchmarks that it is asked on."""

from collections.abc import Mapping

BUILTINS = {
    "aime24": "r1light.evaluation.tasks.competitions:AIME_2024",
    "aime25": "r1light.evaluation.tasks.competitions:AIME_2025",
    "arithmetic": "r1light.evaluation.tasks.generated:ARITHMETIC",
    "code_contests": "r1light.evaluation.tasks.programs:CODE_CONTESTS",
    "codeforces": "r1light.evaluation.tasks.codeforces:Codeforces",
    "humaneval": "r1light.evaluation.tasks.programs:HUMANEVAL",
    "livecodebench": "r1light.evaluation.tasks.livecodebench:LiveCodeBench",
    "mbpp": "r1light.evaluation.tasks.programs:MBPP",
}

GROUPS: Mapping[str, tuple[str, ...]] = {
    "code": ("codeforces", "humaneval", "livecodebench", "mbpp"),
    "competitions": ("aime24", "aime25"),
}
"""Names that stand for several tasks in `stage.tasks`."""
