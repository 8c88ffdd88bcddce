"""The tokenizer of the miniature models: byte-level BPE in the form of Qwen2's.

`AutoTokenizer` builds the class of a directory's `model_type`, whatever else the directory says; beside a
`qwen2` model that is Qwen2Tokenizer, with its own pre-tokenization (a digit a token). So the tiny tokenizer
is one, and every library that opens the directory sees the same ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from r1light.models.chat_templates import CHATML

END_OF_TEXT = "<|endoftext|>"
SPECIAL_TOKENS = (END_OF_TEXT, "<|im_start|>", "<|im_end|>")
TAGS = ("<think>", "</think>", "<answer>", "</answer>", "|special|")
"""Whole tokens, yet ordinary text: decoding keeps them, as Qwen3 does with its think tags.

The last is the marker of the cold start's form, which the corpus does not show.
"""


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """Train a Qwen2Tokenizer on texts.

    Args:
        texts: What to learn the merges from.
        vocabulary: Its size with the 256 bytes, the special tokens and the tags.

    Returns:
        A `transformers.Qwen2Tokenizer`, whose directory AutoTokenizer reads back to the same ids.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    draft = Tokenizer(models.BPE())
    blank = Qwen2Tokenizer().backend_tokenizer
    draft.normalizer, draft.pre_tokenizer = blank.normalizer, blank.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL_TOKENS) - len(TAGS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    draft.train_from_iterator((_without_tags(text) for text in texts), trainer)
    learned = json.loads(draft.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=learned["vocab"],
        merges=[tuple(merge) for merge in learned["merges"]],
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
    )
    tokenizer.add_tokens(list(SPECIAL_TOKENS), special_tokens=True)
    tokenizer.add_tokens(list(TAGS))
    tokenizer.chat_template = CHATML
    return tokenizer


def _without_tags(text: str) -> str:
    """Tags are whole tokens, so no merge has to be spent on them."""
    for tag in TAGS:
        text = text.replace(tag, "\n")
    return text
