"""The numbers of an evaluation, overall and by source.

Shapes: P problems, K samples of a problem.
"""

from __future__ import annotations

from collections.abc import Sequence

from r1light.algorithms.estimators import (
    Estimate,
    cons_at_k,
    mean_over_samples,
    mean_pass_at_k,
    pass_at_1,
)
from r1light.evaluation.outcome import Outcome

SAMPLES = 4
"""Completions of a problem that no benchmark says otherwise of: the fewest of the paper (v2, D.1)."""


def summarise(
    outcomes_PK: Sequence[Sequence[Outcome]], *, seed: int, overall: bool = True
) -> dict[str, float]:
    """All numbers for result.json; those of a source (`meta.source`) stand under `<source>/`.

    Of the problems that a rule judges: `pass@1`, and where each has k > 1 samples `pass@<j>` for the powers
    of two below k and k itself, and `cons@<k>`. Of all completions: `mean_length` (tokens), `truncated`,
    `well_formed`, the means of what was measured, `rewards/<name>/mean` (over those scored). Each has its
    `_stderr`, clustered by problem, where there are two problems. `unjudged` and `errors` are shares of
    completions, where there are any; `problems`, `completions` and `num_tokens` are counts.

    Args:
        outcomes_PK: At least one problem, each with at least one completion.
        seed: Decides ties of votes.
        overall: Whether there are numbers over all problems too; over several benchmarks they mean nothing.
    """
    metrics = _figures(outcomes_PK, seed) if overall else {}
    by_source: dict[str, list[Sequence[Outcome]]] = {}
    for outcomes_K in outcomes_PK:
        if (source := outcomes_K[0].source) is not None:
            by_source.setdefault(source, []).append(outcomes_K)
    for source in sorted(by_source):
        found = _figures(by_source[source], seed)
        metrics |= {f"{source}/{name}": value for name, value in found.items()}
    return metrics


def _figures(outcomes_PK: Sequence[Sequence[Outcome]], seed: int) -> dict[str, float]:
    everything = [outcome for outcomes_K in outcomes_PK for outcome in outcomes_K]
    metrics: dict[str, float] = {"problems": len(outcomes_PK), "completions": len(everything)}
    unjudged = sum(outcome.score is None and not outcome.failed for outcome in everything)
    failed = sum(outcome.failed for outcome in everything)
    metrics |= {"unjudged": unjudged / len(everything)} if unjudged else {}
    metrics |= {"errors": failed / len(everything)} if failed else {}
    for name, estimate in (_accuracy(outcomes_PK, seed) | _means(outcomes_PK)).items():
        metrics[name] = estimate.mean
        metrics |= {} if estimate.stderr is None else {f"{name}_stderr": estimate.stderr}
    metrics["num_tokens"] = sum(outcome.tokens for outcome in everything)
    return metrics


def _accuracy(outcomes_PK: Sequence[Sequence[Outcome]], seed: int) -> dict[str, Estimate]:
    """pass@1, pass@k and cons@k; for k > 1 over the problems none of whose samples failed to be judged."""
    judged_PK = [[each for each in outcomes_K if each.score is not None] for outcomes_K in outcomes_PK]
    sizes = [len(outcomes_K) for outcomes_K, judged in zip(outcomes_PK, judged_PK, strict=True) if judged]
    if not sizes:
        return {}
    scores_PK = [[each.score or 0.0 for each in judged] for judged in judged_PK if judged]
    found = {"pass@1": pass_at_1(scores_PK)}
    k = min(sizes)
    whole = [judged for judged in judged_PK if len(judged) >= k]
    if k == 1 or not whole:
        return found
    correct_PK = [[each.score == 1.0 for each in judged] for judged in whole]
    for draws in (*(2**power for power in range(1, k.bit_length()) if 2**power < k), k):
        found[f"pass@{draws}"] = mean_pass_at_k(correct_PK, draws)
    found[f"cons@{k}"] = cons_at_k(
        [[each.vote for each in judged] for judged in whole],
        [[each.score or 0.0 for each in judged] for judged in whole],
        k=k,
        seed=seed,
        keys_P=[judged[0].problem_id for judged in whole],
    )
    return found


def _means(outcomes_PK: Sequence[Sequence[Outcome]]) -> dict[str, Estimate]:
    """Means over completions of what applies to them."""
    columns: dict[str, list[list[float | None]]] = {
        "mean_length": [[each.tokens for each in outcomes_K] for outcomes_K in outcomes_PK],
        "truncated": [[float(each.truncated) for each in outcomes_K] for outcomes_K in outcomes_PK],
        "well_formed": [[float(each.well_formed) for each in outcomes_K] for outcomes_K in outcomes_PK],
    }
    first = outcomes_PK[0][0]
    for name in first.measures:
        columns[name] = [[each.measures[name] for each in outcomes_K] for outcomes_K in outcomes_PK]
    for name in first.rewards:
        columns[f"rewards/{name}/mean"] = [[each.rewards[name] for each in row] for row in outcomes_PK]
    found = {}
    for name, column in columns.items():
        values_PK = [[value for value in row if value is not None] for row in column]
        if any(values_PK):
            found[name] = mean_over_samples([values_K for values_K in values_PK if values_K])
    return found
