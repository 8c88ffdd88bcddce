"""Reward functions with the signatures and habits that TRL's and verl's documentation show, for tests.

Nothing here knows of r1light: a file like this is what somebody brings along.
"""

import asyncio
import re

# TRL: keyword arguments, a list of floats


def by_tokens(completions_ids, **kwargs):
    return [float(len(ids)) for ids in completions_ids]


def by_tokens_as_the_trainer_names_them(completion_ids, **kwargs):
    return [float(len(ids)) for ids in completion_ids]


def by_characters(completions, **kwargs):
    return [float(len(text)) for text in completions]


def chat_format(completions, **kwargs):
    shape = re.compile(r"^<think>.*?</think>\s*<answer>.*?</answer>$", re.DOTALL)
    return [1.0 if shape.match(completion[0]["content"]) else 0.0 for completion in completions]


def same_as_reference(completions, ground_truth, **kwargs):
    found = [re.search(r"<answer>(.*?)</answer>", text) for text in completions]
    answers = [match.group(1).strip() if match else "" for match in found]
    return [1.0 if answer == truth else 0.0 for answer, truth in zip(answers, ground_truth, strict=True)]


def only_maths(prompts, completions, task, **kwargs):
    return [
        (1.0 if "5" in completion else -1.0) if kind == "math" else None
        for prompt, completion, kind in zip(prompts, completions, task, strict=True)
    ]


async def remote(prompts, completions, **kwargs):
    await asyncio.sleep(0.001)
    return [1.0 if completion else 0.0 for completion in completions]


def logs(completions, trainer_state, log_extra=None, log_metric=None, **kwargs):
    log_extra("length", [len(text) for text in completions])
    log_metric("curriculum", 0.5)
    return [float(trainer_state.global_step) for _ in completions]


# verl: one completion a call


def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    return len(solution_str) / 100


def strict_score(data_source, solution_str, ground_truth, extra_info=None, format_score=0.1, score=1.0):
    found = re.findall(r"<answer>\s*(-?[0-9.,]+)\s*</answer>", solution_str)
    if not found:
        return 0
    return score if found[-1].replace(",", "") == ground_truth else format_score


def score_and_more(data_source, solution_str, ground_truth, extra_info=None):
    return {
        "score": float(ground_truth in solution_str),
        "acc": ground_truth in solution_str,
        "from": data_source,
    }


async def slow_judge(data_source, solution_str, ground_truth, extra_info=None):
    await asyncio.sleep(0.001)
    return 0.5
