"""Whether two models mean the same by a token id, so that one can be told what the other would write."""

from __future__ import annotations

from collections.abc import Mapping

from r1light.core.errors import ModelError
from r1light.models.pretrained import LoadedModel

PROBE = "Wait, 12+345=357.\n\n<think> Où? 你好 </think>\tdef f(x):  return x**2"
"""A text that tokenizers of one vocabulary but other rules cut differently."""


def common_vocabulary(student: LoadedModel, teacher: LoadedModel) -> int:
    """The ids, from 0, that both models have, if they have one tokenizer.

    Families pad the vocabularies of their sizes differently (Qwen2.5: 151,936 rows up to 3B, 152,064 above),
    behind the same tokens. What is beyond the smaller one is left out of both distributions.

    Raises:
        ModelError: If a token has two ids, or is absent from one of them, special tokens included; or if one
            text becomes different ids.
    """
    own, theirs = student.tokenizer.get_vocab(), teacher.tokenizer.get_vocab()
    remedy = "take a teacher of the student's family, or stage.mode=data, which learns from its texts"
    if own != theirs:
        raise ModelError(
            f"teacher {teacher.path} and student {student.path} have different tokenizers "
            f"({_difference(own, theirs)}); {remedy}"
        )
    probes = [loaded.tokenizer.encode(PROBE, add_special_tokens=False) for loaded in (student, teacher)]
    if probes[0] != probes[1]:
        raise ModelError(
            f"teacher {teacher.path} and student {student.path} have one vocabulary, but cut text into "
            f"different tokens; {remedy}"
        )
    common = min(_rows(student), _rows(teacher))
    if max(own.values()) >= common:
        raise ModelError(
            f"the tokenizer of {student.path} and {teacher.path} has ids up to {max(own.values())}, and one "
            f"of the models has only {common}"
        )
    return common


def _rows(loaded: LoadedModel) -> int:
    rows: int = loaded.model.get_output_embeddings().weight.shape[0]
    return rows


def _difference(own: Mapping[str, int], theirs: Mapping[str, int]) -> str:
    """How many tokens differ, and the first of them."""
    differing = [token for token in {**own, **theirs} if own.get(token) != theirs.get(token)]
    first = min(differing)
    return (
        f"{len(differing)} tokens differ, such as {first!r}: {_id(own, first)} in the student, "
        f"{_id(theirs, first)} in the teacher"
    )


def _id(vocabulary: Mapping[str, int], token: str) -> str:
    return f"id {vocabulary[token]}" if token in vocabulary else "absent"
