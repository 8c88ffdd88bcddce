"""How long grading takes: r1light's `math` grader beside plain math-verify, on the same answers.

    python tools/bench/grading.py --data math500.jsonl [--answers 512] [--rounds 5] [--json out.json]

The data is a JSON-lines file with the reference answers of MATH in the key `answer`. A third of the answers
are the reference itself, a third have its value in another spelling (where it is one formula), and a third
are the reference of another problem; each stands in a sentence and a box. Every round runs both sides, in
alternating order, each in a fresh process, and times it from before the first import of a grading library to
the last verdict: the start of the workers and the building of the parser's tables are in it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SIDES = ("math-verify, one process", "r1light")
Pair = tuple[str, str]


def pairs_of(references: Sequence[str], count: int) -> list[Pair]:
    """`count` pairs of a reference answer and what a model might have written."""
    pairs = []
    for index in range(count):
        gold = references[index % len(references)]
        answer = gold
        if index % 3 == 1 and not any(
            mark in gold for mark in (",", "=", "text", "<", ">", "\\begin", "\\%", "\\$")
        ):
            answer = f"0 + {gold}"
        elif index % 3 == 2:
            answer = references[(index + 1) % len(references)]
        pairs.append((gold, rf"Therefore, the answer is $\boxed{{{answer}}}$."))
    return pairs


def grade_plain(pairs: Sequence[Pair], _: int) -> list[bool]:
    """Plain math-verify, one pair after the other, as its documentation shows it."""
    from math_verify import parse, verify

    return [verify(parse(f"${gold}$"), parse(answer)) for gold, answer in pairs]


def grade_ours(pairs: Sequence[Pair], workers: int) -> list[bool]:
    """The `math` grader, in one batch."""
    from r1light.core.types import Problem
    from r1light.graders.math import Math

    grader = Math(Math.Config(workers=workers))
    items = [(Problem(id="p", prompt="", grader="math", answer=gold), answer) for gold, answer in pairs]
    verdicts = grader.grade_many(items)
    grader.close()
    return [verdict.correct for verdict in verdicts]


def run_side(side: str, pairs: Sequence[Pair], workers: int) -> tuple[float, list[bool]]:
    """Seconds and verdicts of one side, in a fresh process."""
    command = [sys.executable, __file__, "--side", side, "--workers", str(workers)]
    done = subprocess.run(
        command, input=json.dumps(pairs), capture_output=True, text=True, timeout=1800, check=False
    )
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr}")
    result = json.loads(done.stdout.splitlines()[-1])
    return result["seconds"], result["verdicts"]


def serve_side(side: str, workers: int) -> None:
    """Grade the pairs on standard input and print seconds and verdicts."""
    pairs = json.load(sys.stdin)
    start = time.perf_counter()
    verdicts = (grade_plain if side == SIDES[0] else grade_ours)(pairs, workers)
    print(json.dumps({"seconds": time.perf_counter() - start, "verdicts": verdicts}))


def measure(pairs: Sequence[Pair], rounds: int, workers: int) -> dict[str, Any]:
    """Both sides, in alternating order."""
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    verdicts: dict[str, list[bool]] = {}
    for number in range(rounds):
        for side in SIDES if number % 2 == 0 else reversed(SIDES):
            taken, verdicts[side] = run_side(side, pairs, workers)
            seconds[side].append(taken)
    median = {side: statistics.median(values) for side, values in seconds.items()}
    plain, ours = (verdicts[side] for side in SIDES)
    return {
        "answers": len(pairs),
        "workers": workers,
        "seconds": seconds,
        "median_ratio": median[SIDES[1]] / median[SIDES[0]],
        "right": {side: sum(verdicts[side]) for side in SIDES},
        "disagree": [pair for pair, one, other in zip(pairs, plain, ours, strict=True) if one != other],
        "load_average": os.getloadavg()[0],
    }


def table(result: dict[str, Any]) -> str:
    """The result as a Markdown table."""
    lines = [
        f"{result['answers']} answers, {result['workers']} workers, first call included, load "
        f"{result['load_average']:.1f}",
        "",
        "| | median s | range s | judged right |",
        "|---|---|---|---|",
    ]
    for side, values in result["seconds"].items():
        spread = f"{min(values):.2f} to {max(values):.2f}"
        lines.append(f"| {side} | {statistics.median(values):.2f} | {spread} | {result['right'][side]} |")
    lines += [
        "",
        f"ratio of the medians {result['median_ratio']:.2f}; they disagree on {len(result['disagree'])}",
    ]
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="JSON lines with the key answer")
    parser.add_argument("--answers", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write all figures here")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        serve_side(options.side, options.workers)
        return
    if options.data is None:
        parser.error("--data names a JSON-lines file with reference answers")
    rows = [json.loads(line) for line in options.data.read_text().splitlines()]
    references = [str(row["answer"]) for row in rows if str(row["answer"]).strip()]
    result = measure(pairs_of(references, options.answers), options.rounds, options.workers)
    print(table(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
