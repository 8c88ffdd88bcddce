"""Evaluation: the paper's protocol."""

BUILTINS: dict[str, str] = {}
