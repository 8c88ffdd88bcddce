"""Teacher and student speak of the same tokens, or are refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from r1light.core.errors import ModelError
from r1light.models.pretrained import LoadedModel
from r1light.models.tiny import Tiny, TinyStudent
from r1light.models.vocabulary import common_vocabulary

VOCABULARY = {"a": 0, "b": 1, "ab": 2, "<|end|>": 3}


class Letters:
    """A tokenizer that knows a few tokens, and cuts text into letters or takes none of them."""

    def __init__(self, vocabulary, width=1):
        self.vocabulary, self.width = vocabulary, width

    def get_vocab(self):
        return dict(self.vocabulary)

    def encode(self, text, add_special_tokens):
        assert not add_special_tokens
        return [len(text[start : start + self.width]) for start in range(0, len(text), self.width)]


def loaded(name, rows=4, vocabulary=VOCABULARY, width=1):
    head = SimpleNamespace(weight=torch.zeros(rows, 2))
    model = SimpleNamespace(get_output_embeddings=lambda: head)
    return LoadedModel(model, Letters(vocabulary, width), (3,), 64, name)


def test_vocabularies_padded_to_different_sizes_are_cut_to_the_smaller():
    assert common_vocabulary(loaded("s", rows=6), loaded("t", rows=8)) == 6
    assert common_vocabulary(loaded("s", rows=8), loaded("t", rows=4)) == 4


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (
            VOCABULARY | {"b": 2, "ab": 1},
            "2 tokens differ, such as 'ab': id 2 in the student, id 1 in",
        ),
        ({"a": 0, "b": 1, "ab": 2}, r"1 tokens differ, such as '<\|end\|>': id 3 in the student, absent in"),
        (VOCABULARY | {"<think>": 4}, "1 tokens differ, such as '<think>': absent in the student, id 4"),
    ],
)
def test_another_vocabulary_is_refused_in_one_line(vocabulary, message):
    with pytest.raises(ModelError, match=message) as caught:
        common_vocabulary(loaded("s"), loaded("t", vocabulary=vocabulary))
    assert "teacher t and student s have different tokenizers" in str(caught.value)
    assert "stage.mode=data" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_vocabulary_that_cuts_text_differently_is_refused():
    with pytest.raises(ModelError, match="cut text into different tokens"):
        common_vocabulary(loaded("s"), loaded("t", width=2))


def test_ids_that_a_model_does_not_have_are_refused():
    with pytest.raises(ModelError, match="ids up to 3, and one of the models has only 3"):
        common_vocabulary(loaded("s"), loaded("t", rows=3))


def test_the_packaged_models_have_one_vocabulary():
    base, student = Tiny(Tiny.Config()).load(), TinyStudent(TinyStudent.Config()).load()
    assert common_vocabulary(student, base) == base.model.config.vocab_size
