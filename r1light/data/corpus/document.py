"""How a trace becomes a document: a question, a thought, an answer, and now and then a missing tag."""

from __future__ import annotations

import random

from r1light.data.splits import Split

TEMPLATE_SHARE = 0.12
"""Documents that open with the long instruction of R1-Zero; the rest open at "User:"."""

FORGOTTEN_TAG_SHARE = 0.06
"""Documents that lack one tag, so that the format reward has something to teach."""

TRAIN: Split = "train"


def document(rng: random.Random, instruction: str, question: str, thought: str, answer: str) -> str:
    """A question with a thought and an answer, in the form of R1-Zero's template.

    Args:
        rng: Decides whether the instruction is shown, and whether a tag is forgotten.
        instruction: The template's text up to "User:".
        question: The problem.
        thought: What goes between the think tags.
        answer: What goes between the answer tags.
    """
    opening = instruction if rng.random() < TEMPLATE_SHARE else "User: "
    pieces = ["<think>", f" {thought} ", "</think>", " ", "<answer>", f" {answer} ", "</answer>"]
    if rng.random() < FORGOTTEN_TAG_SHARE:
        pieces[rng.choice((0, 2, 4, 6))] = ""
    return f"{opening}{question}. Assistant: {''.join(pieces)}"
