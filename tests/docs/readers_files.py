"""The files and run folders that commands of the pages name, by the names that they have there, small."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from r1light.models.tiny import WEIGHTS

SUMS = [(number, number + 30) for number in range(11, 91)]
TRACE = "<think> {a}+{b}={c}. So {c}. </think> <answer> {c} </answer>"
CHATML = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PROGRAM = {
    "problem": "Print the sum of two numbers.", "tests": [{"input": "2 3\n", "output": "5\n"}],
}  # fmt: skip
HUMANEVAL = {
    "task_id": "HumanEval/3", "prompt": "def add(a, b):\n    '''Sum.'''\n", "entry_point": "add",
    "canonical_solution": "    return a + b\n", "test": "def check(f):\n    assert f(1, 2) == 3\n",
}  # fmt: skip
MBPP = {
    "task_id": 11, "text": "Square a number.", "code": "def square(x):\n    return x * x",
    "test_setup_code": "", "test_list": ["assert square(2) == 4", "assert square(3) == 9"],
}  # fmt: skip
LIVECODEBENCH = {
    "question_title": "t", "question_content": "Print the sum of two numbers.", "platform": "atcoder",
    "question_id": "q", "contest_id": "c", "contest_date": "2024-09-01T00:00:00", "starter_code": "",
    "difficulty": "easy", "metadata": "{}",
    "public_test_cases": '[{"input": "2 3", "output": "5", "testtype": "stdin"}]', "private_test_cases": "",
}  # fmt: skip
PASSAGE = {"passage": "Ann has 7 hens.", "question": "How many?"}
DROP = PASSAGE | {
    "answer": {"number": "7", "date": {"day": "", "month": "", "year": ""}, "spans": []},
    "validated_answers": {"number": [], "date": [], "spans": []},
}
IFEVAL = {
    "key": 1, "prompt": "Use no comma.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}],
}  # fmt: skip
STANDING = {
    "contest": "7", "points": {"A": 500}, "participants": [{"rating": 1500, "points": 500}],
}  # fmt: skip
HARNESS_TASK = """
task: my_task
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/sums.jsonl}}}}
output_type: generate_until
test_split: test
doc_to_text: "User: Compute {{{{a}}}}+{{{{b}}}}. Assistant: <think>"
doc_to_target: "{{{{a + b}}}}"
generation_kwargs: {{until: ["</think>"], do_sample: false, max_gen_toks: 8}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""


def write(path: Path, *rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_files(folder: Path) -> None:
    """What the pages' commands read that no run makes."""
    asked = [{"question": f"Compute {a}+{b}.", "prompt": f"Compute {a}+{b}.", "answer": str(a + b)}
             for a, b in SUMS]  # fmt: skip
    for name in ("train", "problems", "test"):
        write(folder / f"{name}.jsonl", *asked)
    general = [row | {"preference": "helpful"} for row in asked]
    write(folder / "general.jsonl", *general)
    told = [TRACE.format(a=a, b=b, c=a + b) for a, b in SUMS]
    pairs = list(zip(asked, told, strict=True))
    write(folder / "rows.jsonl", *({"prompt": row["prompt"], "completion": text} for row, text in pairs))
    write(folder / "runs/sample/A/data.jsonl",
          *({"prompt": row["prompt"], "completion": text} for row, text in pairs))  # fmt: skip
    problems = [{"id": row["answer"], "prompt": row["prompt"], "grader": "math", "answer": row["answer"]}
                for row in asked]  # fmt: skip
    write(folder / "completions.jsonl",
          *({"problem": each, "completion": text[7:], "prefill": "<think>"}
            for each, text in zip(problems, told, strict=True)))  # fmt: skip
    preferences = [{"prompt": row["prompt"], "chosen": text, "rejected": "No."} for row, text in pairs]
    write(folder / "pairs.jsonl", *preferences)
    write(folder / "pairs" / "pairs.jsonl", *preferences)
    write(folder / "judged.jsonl",
          *({"prompt": row["prompt"], "response": text, "label": number % 2}
            for number, (row, text) in enumerate(pairs)))  # fmt: skip
    _write_benchmarks(folder)


def _write_benchmarks(folder: Path) -> None:
    write(folder / "codeforces.jsonl", *(PROGRAM | {"problem": f"Print {n} and the sum."} for n in range(60)))
    write(folder / "test5.jsonl", LIVECODEBENCH)
    write(folder / "standings.jsonl", STANDING)
    write(folder / "mmlu.jsonl", {"question": "2+3?", "choices": ["4", "5", "6", "7"], "answer": 1,
                                  "subject": "abstract_algebra"})  # fmt: skip
    rows = {"humaneval": HUMANEVAL, "mbpp": MBPP, "ifeval": IFEVAL, "drop/test": DROP, "drop/train": DROP}
    for name, row in rows.items():
        write(folder / f"benchmarks/{name}.jsonl", row, *([row] * 3 if name == "drop/train" else ()))
    maths = "math500 aime24 aime25 amc23 cnmo2024 minerva_math olympiadbench gsm8k"
    for name in maths.split():
        row = {"id": "1", "problem": "2+3?", "question": "2+3?", "answer": "5", "final_answer": ["5"]}
        answer = {"gsm8k": "So #### 5"}.get(name, "5")
        write(folder / f"benchmarks/{name}.jsonl", row | {"answer": answer, "solution": "\\boxed{5}"})
    write(folder / "benchmarks/codeforces.jsonl", PROGRAM | {"id": "7/A"})
    write(folder / "sums.jsonl", *({"a": a, "b": b} for a, b in SUMS))
    (folder / "my_tasks").mkdir()
    (folder / "my_tasks/my_task.yaml").write_text(HARNESS_TASK.format(folder=folder))


def write_reward_functions(folder: Path, page: str) -> None:
    """my_reward.py: the functions that docs/rewards.md shows, and that which the README names."""
    found = re.search(r"```python\n(import re\n.*?def by_reference.*?)```", page, re.DOTALL)
    assert found, "docs/rewards.md shows no functions for TRL and verl any more"
    (folder / "my_reward.py").write_text(found[1] + "\n\nmy_function = by_reference\n")


def write_models(folder: Path) -> None:
    """Directories under the names that stand for a reader's own: the miniature base, with a chat template."""
    base = folder / "DIR"
    shutil.copytree(WEIGHTS / "tiny", base)
    (base / "chat_template.jinja").write_text(CHATML)
    for name in ("MODEL", "M", "DEV3"):
        (folder / name).symlink_to(base)


def make_runs(folder: Path, r1light: Callable[[str], int]) -> None:
    """Run folders under the names that the pages give them."""
    tiny = "trainer.threads=1 resume=none hydra.run.dir=runs"
    grpo = (
        "stage.iterations=2 stage.prompts_per_iteration=2 stage.group_size=2 stage.max_tokens=16 "
        "stage.eval_problems=2 stage.test_problems=2 stage.eval_every=1 stage.checkpoint_every=1"
    )
    pipeline = "stage=pipeline pipeline=r1_mini stage.scale=smoke stage.only=[base_eval]"
    commands = [
        f"{grpo} seed=0 {tiny}/grpo/A",
        f"{grpo} seed=1 {tiny}/grpo/B",
        f"stage=evaluate stage.limit=2 stage.k=2 stage.max_tokens=16 {tiny}/evaluate/A",
        f"stage=reward_model stage.max_updates=1 model=tiny_student {tiny}/helpful",
        f"stage=reward_model stage.head=pointwise data=tiny_judged stage.max_updates=1 model=tiny_student "
        f"{tiny}/safe",
        f"{pipeline} hydra.run.dir=runs/pipeline/A",
    ]
    for command in commands:
        assert r1light(command) == 0, command
    runs = folder / "runs"
    for name in ("X", "2026-01-01_12-00-00"):
        (runs / "grpo" / name).symlink_to(runs / "grpo" / "A")
    kept = sorted((runs / "grpo/A/checkpoints").glob("iteration-*.ckpt"))[-1]
    (kept.parent / "iteration-000050.ckpt").symlink_to(kept)
    (runs / "sweeps/grpo/A").mkdir(parents=True)
    for number, name in enumerate("AB"):
        (runs / f"sweeps/grpo/A/{number}").symlink_to(runs / "grpo" / name)
    shutil.copytree(runs / "pipeline/A", runs / "pipeline/B", symlinks=True)
    for name, run in (("HELPFUL", "helpful"), ("SAFE", "safe")):
        (folder / name).symlink_to(runs / run / "model")
