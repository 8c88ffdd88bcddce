"""The paper's own results, to stand beside a run's: DeepSeek-R1 (arXiv:2501.12948).

Tables 3, 15, 16 and 17 of version 2, its figure 1 and section E; the students stand in the README of R1 too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_REASONING = "at most 32,768 tokens, temperature 0.6, top-p 0.95"
_QA = f"How many completions a question is not told (4 to 64 in general); {_REASONING}."


@dataclass(frozen=True, slots=True)
class PaperBenchmark:
    """A benchmark as the paper measured it.

    Attributes:
        title: Its name there.
        figures: The figures that it has there by our names for them, the first the one that it is known by;
            to words.
        same: Other names that a figure of ours may have, to the figure that it is.
        protocol: How the paper measured it, and where its versions differ.
    """

    title: str
    figures: Mapping[str, str]
    protocol: str
    same: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaperModel:
    """A row of the paper's tables.

    Attributes:
        name: The model.
        source: The table.
        values: `<task>/<figure>` to the number as printed: percent, but for ratings.
    """

    name: str
    source: str
    values: Mapping[str, float]


def _sampled(k: int, more: str = "") -> str:
    return f"pass@1 is the mean of {k} completions a problem; {_REASONING}.{more}"


def _exact(title: str, protocol: str) -> PaperBenchmark:
    return PaperBenchmark(title, {"pass@1": "exact match"}, protocol)


_CORRECT = {"correct": "correct"}
_TABLE_3 = (
    "Version 1 of the paper prints another number for R1-Zero here ({}); the one shown is of version 2."
)

BENCHMARKS: Mapping[str, PaperBenchmark] = {
    "mmlu": _exact("MMLU", f"The prompt of simple-evals. {_QA}"),
    "mmlu_redux": _exact("MMLU-Redux", f"The prompt of Zero-Eval, answered in JSON. {_QA}"),
    "mmlu_pro": _exact("MMLU-Pro", f"The benchmark's few-shot prompt made zero-shot. {_QA}"),
    "drop": PaperBenchmark(
        "DROP", {"f1": "F1, 3-shot"}, f"The prompt of simple-evals, with three examples. {_QA}"
    ),
    "ifeval": PaperBenchmark("IF-Eval", {"prompt_strict": "prompt strict"}, _QA),
    "gpqa_diamond": PaperBenchmark(
        "GPQA Diamond",
        {"pass@1": "pass@1"},
        _sampled(64, " The prompt of simple-evals. " + _TABLE_3.format("73.3")),
    ),
    "simpleqa": PaperBenchmark(
        "SimpleQA",
        _CORRECT,
        f"The prompt of simple-evals; a model judges. {_QA}",
        {"pass@1": "correct"},
    ),
    "frames": PaperBenchmark(
        "FRAMES",
        {"accuracy": "accuracy"},
        f"The prompt with the articles in it (oracle). {_QA}",
        {"pass@1": "accuracy", "correct": "accuracy"},
    ),
    "alpaca_eval": PaperBenchmark(
        "AlpacaEval 2.0",
        {"lc_win_rate": "length-controlled win rate"},
        "Judged by GPT-4-Turbo-1106, which sees the final summary only.",
    ),
    "arena_hard": PaperBenchmark(
        "Arena-Hard", {"score": "win rate"}, "Judged by GPT-4-Turbo-1106, which sees the final summary only."
    ),
    "livecodebench": PaperBenchmark(
        "LiveCodeBench",
        {"pass@1": "pass@1"},
        _sampled(8, " Problems from August 2024 to January 2025, with a chain of thought."),
    ),
    "codeforces": PaperBenchmark(
        "Codeforces",
        {"rating": "rating", "percentile": "percentile"},
        f"Ten Div. 2 contests with tests by experts; 16 completions a problem; {_REASONING}.",
    ),
    "aime24": PaperBenchmark(
        "AIME 2024",
        {"pass@1": "pass@1", "cons@64": "cons@64", "pass@64": "pass@64"},
        _sampled(64, " " + _TABLE_3.format("71.0")),
    ),
    "aime25": PaperBenchmark("AIME 2025", {"pass@1": "pass@1"}, _sampled(64, " R1: 11.3 of 15 problems.")),
    "math500": PaperBenchmark("MATH-500", {"pass@1": "pass@1"}, _sampled(16)),
    "cnmo2024": PaperBenchmark("CNMO 2024", {"pass@1": "pass@1"}, _QA),
    "cluewsc": _exact("CLUEWSC", f"The benchmark's few-shot prompt made zero-shot. {_QA}"),
    "c_eval": _exact("C-Eval", f"The benchmark's few-shot prompt made zero-shot. {_QA}"),
    "c_simpleqa": PaperBenchmark("C-SimpleQA", _CORRECT, f"A model judges. {_QA}", {"pass@1": "correct"}),
}
"""By the names of our tasks."""

_STAGES = ("R1-Zero", "R1-Dev1", "R1-Dev2", "R1-Dev3", "DeepSeek-R1")
_BY_STAGE: Mapping[str, tuple[float, float, float, float, float]] = {
    "mmlu/pass@1": (88.8, 89.1, 91.2, 91.0, 90.8),
    "mmlu_redux/pass@1": (85.6, 90.0, 93.0, 93.1, 92.9),
    "mmlu_pro/pass@1": (68.9, 74.1, 83.8, 83.1, 84.0),
    "drop/f1": (89.1, 89.8, 91.1, 88.7, 92.2),
    "ifeval/prompt_strict": (46.6, 71.7, 72.0, 78.1, 83.3),
    "gpqa_diamond/pass@1": (75.8, 66.1, 70.7, 71.2, 71.5),
    "simpleqa/correct": (30.3, 17.8, 28.2, 24.9, 30.1),
    "frames/accuracy": (82.3, 78.5, 81.8, 81.9, 82.5),
    "alpaca_eval/lc_win_rate": (24.7, 50.1, 55.8, 62.1, 87.6),
    "arena_hard/score": (53.6, 77.0, 73.2, 75.6, 92.3),
    "livecodebench/pass@1": (50.0, 57.5, 63.5, 64.6, 65.9),
    "codeforces/percentile": (80.4, 84.5, 90.5, 92.1, 96.3),
    "codeforces/rating": (1444, 1534, 1687, 1746, 2029),
    "aime24/pass@1": (77.9, 59.0, 74.0, 78.1, 79.8),
    "math500/pass@1": (95.9, 94.2, 95.9, 95.4, 97.3),
    "cnmo2024/pass@1": (88.1, 58.0, 73.9, 77.3, 78.8),
    "cluewsc/pass@1": (93.1, 92.8, 92.6, 91.6, 92.8),
    "c_eval/pass@1": (92.8, 85.7, 91.9, 86.4, 91.8),
    "c_simpleqa/correct": (66.4, 58.8, 64.2, 66.9, 63.7),
}
_MORE_OF_STAGE: Mapping[str, Mapping[str, float]] = {
    "R1-Zero": {"aime24/cons@64": 86.7},
    "DeepSeek-R1": {"aime24/cons@64": 86.7, "aime24/pass@64": 90.0, "aime25/pass@1": 75.0},
}

_STUDENT_FIGURES = (
    "aime24/pass@1",
    "aime24/cons@64",
    "math500/pass@1",
    "gpqa_diamond/pass@1",
    "livecodebench/pass@1",
    "codeforces/rating",
)
_STUDENTS: Mapping[str, tuple[float, ...]] = {
    "R1-Distill-Qwen-1.5B": (28.9, 52.7, 83.9, 33.8, 16.9, 954),
    "R1-Distill-Qwen-7B": (55.5, 83.3, 92.8, 49.1, 37.6, 1189),
    "R1-Distill-Qwen-14B": (69.7, 80.0, 93.9, 59.1, 53.1, 1481),
    "R1-Distill-Qwen-32B": (72.6, 83.3, 94.3, 62.1, 57.2, 1691),
    "R1-Distill-Llama-8B": (50.4, 80.0, 89.1, 49.0, 39.6, 1205),
    "R1-Distill-Llama-70B": (70.0, 86.7, 94.5, 65.2, 57.5, 1633),
}
_COMPARED: Mapping[str, tuple[float, ...]] = {  # those of the students' figures but the last
    "QwQ-32B-Preview": (50.0, 60.0, 90.6, 54.5, 41.9),
    "Qwen2.5-32B-Zero": (47.0, 60.0, 91.6, 55.0, 40.2),
}

MODELS: tuple[PaperModel, ...] = (
    *(
        PaperModel(
            name,
            "Table 3",
            {
                **{figure: values[at] for figure, values in _BY_STAGE.items()},
                **_MORE_OF_STAGE.get(name, {}),
            },
        )
        for at, name in enumerate(_STAGES)
    ),
    *(
        PaperModel(name, "Table 15", dict(zip(_STUDENT_FIGURES, values, strict=True)))
        for name, values in _STUDENTS.items()
    ),
    *(
        PaperModel(name, "Table 16", dict(zip(_STUDENT_FIGURES, values, strict=False)))
        for name, values in _COMPARED.items()
    ),
    PaperModel("Qwen2-Math-7B-Zero", "Table 17", {"aime24/pass@1": 22.3, "aime25/pass@1": 18.1}),
    PaperModel("Qwen2-Math-7B-Instruct", "Table 17", {"aime24/pass@1": 7.9, "aime25/pass@1": 4.6}),
)
"""The stages of R1, its students, and what the paper compares them with, in its order."""
