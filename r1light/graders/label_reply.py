"""A verdict of one token: which of some labels a model writes, and how likely each is.

The idea is AlpacaEval 2.0's (arXiv:2404.04475): the judge writes one token, and a label's share of the
probability of all labels is its preference, so that a close call counts as one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def label_reply(choice: Mapping[str, Any], labels: Sequence[str]) -> str:
    """A choice of a chat completion of one token as `{"shares": {label: share}}`, to be kept and read.

    A label's share is its probability over that of all labels, 0 where it is not among the likeliest tokens.
    Without log-probabilities the label that was written has all of it.

    Raises:
        ValueError: No label is among the likeliest tokens; or there are none, and the text is no label.
    """
    found = _logprobs(choice, labels)
    if found is None:
        text = choice["message"].get("content")
        text = text.strip() if isinstance(text, str) else text
        if text not in labels:
            raise ValueError(f"the reply is {text!r:.80}, none of the labels {', '.join(labels)}")
        found = {text: 0.0}
    if not found:
        raise ValueError(f"none of the labels {', '.join(labels)} is among the likeliest replies")
    highest = max(found.values())
    weights = {label: math.exp(found[label] - highest) if label in found else 0.0 for label in labels}
    total = math.fsum(weights.values())
    return json.dumps({"shares": {label: weight / total for label, weight in weights.items()}})


def share_of(reply: str, label: str) -> float:
    """The share in [0, 1] of a label in what `label_reply` gave.

    Raises:
        ValueError: It is no such text.
    """
    try:
        share = json.loads(reply)["shares"][label]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"no shares of labels: {reply[:80]!r}") from error
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError(f"the share of {label} is {share!r:.40}, not a number from 0 to 1")
    return float(share)


def _logprobs(choice: Mapping[str, Any], labels: Sequence[str]) -> dict[str, float] | None:
    """The log-probabilities of the labels among the likeliest first tokens; None where none are given."""
    try:
        tokens = choice["logprobs"]["content"][0]["top_logprobs"]
        given = [(each["token"], each["logprob"]) for each in tokens]
    except (LookupError, TypeError):
        return None
    if not given:
        return None
    found: dict[str, float] = {}
    for token, logprob in given:
        if isinstance(logprob, bool) or not isinstance(logprob, int | float) or math.isnan(logprob):
            raise ValueError(f"the log-probability of {token!r:.40} is {logprob!r:.40}, no number")
        if token in labels and token not in found and logprob > -math.inf:
            found[token] = float(logprob)
    return found
