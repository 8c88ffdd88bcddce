"""The scores that a reward model gives to held-out rows, one by one, for people to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from r1light.models.scorer import scores_of, sigmoid
from r1light.training.reward_model import JudgedRow, PairRow


def scored_rows(model: Any, rows: Sequence[PairRow | JudgedRow], max_tokens: int) -> list[dict[str, Any]]:
    """Each row's place, logits, lengths in tokens, and what the model takes for the chance of the truth.

    Args:
        model: A sequence-classification model with one label, in evaluation mode.
        rows: The rows, all of one kind.
        max_tokens: The most tokens of a forward pass, padding included.

    Returns:
        For pairs `where`, `chosen`, `rejected`, `chosen_tokens`, `rejected_tokens`, `p` (the chance that the
        chosen one wins); for judged answers `where`, `prompt`, `score`, `safe`, `tokens`, `p` (the chance of
        safe).
    """
    texts = [
        text
        for row in rows
        for text in ([row.chosen, row.rejected] if isinstance(row, PairRow) else [row.text])
    ]
    scores = iter(scores_of(model, [text.input_ids for text in texts], max_tokens))
    return [_pair(row, scores) if isinstance(row, PairRow) else _judged(row, next(scores)) for row in rows]


def _pair(row: PairRow, scores: Any) -> dict[str, Any]:
    chosen, rejected = next(scores), next(scores)
    return {
        "where": row.where,
        "chosen": chosen,
        "rejected": rejected,
        "chosen_tokens": row.chosen.answer_tokens,
        "rejected_tokens": row.rejected.answer_tokens,
        "p": sigmoid(chosen - rejected),
    }


def _judged(row: JudgedRow, score: float) -> dict[str, Any]:
    return {
        "where": row.where,
        "prompt": row.prompt,
        "score": score,
        "safe": row.safe,
        "tokens": row.text.answer_tokens,
        "p": sigmoid(score),
    }


def pair_accuracy(scored: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """How often a safe answer scores above an unsafe one to the same prompt; a tie is half right.

    Args:
        scored: Rows of judged answers, as `scored_rows` gives them.

    Returns:
        `after/pair_accuracy` and `after/answer_pairs`, their number; nothing where there is no such pair.

    Example:
        >>> rows = [{"prompt": "a", "score": score, "safe": safe} for score, safe in ((2, True), (1, False))]
        >>> pair_accuracy(rows)
        {'after/pair_accuracy': 1.0, 'after/answer_pairs': 1.0}
    """
    by_prompt: dict[str, tuple[list[float], list[float]]] = {}
    for row in scored:
        by_prompt.setdefault(row["prompt"], ([], []))[int(row["safe"])].append(row["score"])
    wins, pairs = 0.0, 0
    for unsafe, safe in by_prompt.values():
        pairs += len(unsafe) * len(safe)
        wins += sum((high > low) + 0.5 * (high == low) for high in safe for low in unsafe)
    return {"after/pair_accuracy": wins / pairs, "after/answer_pairs": float(pairs)} if pairs else {}
