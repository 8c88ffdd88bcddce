"""The miniature tokenizer is the same one for everyone who opens its directory."""

from __future__ import annotations

import itertools

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer, Qwen2Tokenizer

from r1light.data.corpus.build import documents
from r1light.models.tiny import Tiny, TinyStudent
from r1light.models.tiny_tokenizer import TAGS, train_tokenizer
from r1light.templates.r1_zero import BEFORE_QUESTION

TEXTS = [
    *itertools.islice(documents(7, BEFORE_QUESTION), 200),
    "<think> 12+34=46 </think> <answer> 46 </answer>",
    "naïve café — 小猫坐在河边。 \t\r\n 🙂 \x00 ",
    "",
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(itertools.islice(documents(0, BEFORE_QUESTION), 300), 400).save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    return folder


def test_every_way_to_open_it_gives_the_same_ids(directory):
    auto = AutoTokenizer.from_pretrained(directory)  # what TRL, vLLM and lm-eval open it with
    own = Qwen2Tokenizer.from_pretrained(directory)
    raw = Tokenizer.from_file(str(directory / "tokenizer.json"))
    for text in TEXTS:
        ids = auto.encode(text, add_special_tokens=False)
        assert own.encode(text, add_special_tokens=False) == ids
        assert raw.encode(text, add_special_tokens=False).ids == ids


def test_any_text_survives_the_round_trip(directory):
    tokenizer = AutoTokenizer.from_pretrained(directory)
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_digits_are_tokens_and_tags_are_whole(directory):
    tokenizer = AutoTokenizer.from_pretrained(directory)
    assert len(tokenizer) == 400
    assert len(tokenizer.encode("1234")) == 4
    for tag in TAGS:
        assert len(tokenizer.encode(tag)) == 1
        assert tokenizer.convert_tokens_to_ids(tag) not in tokenizer.all_special_ids
    assert tokenizer.eos_token == tokenizer.pad_token == "<|endoftext|>"


def test_the_chat_template_marks_what_the_assistant_says(directory):
    tokenizer = AutoTokenizer.from_pretrained(directory)
    chat = [{"role": "user", "content": "12"}, {"role": "assistant", "content": "46"}]
    out = tokenizer.apply_chat_template(
        chat, return_assistant_tokens_mask=True, return_dict=True, tokenize=True
    )
    marked = [token for token, mine in zip(out["input_ids"], out["assistant_masks"], strict=True) if mine]
    assert tokenizer.decode(marked) == "46<|im_end|>"


@pytest.mark.parametrize("component", [Tiny, TinyStudent])
def test_the_models_of_the_package_load_and_are_small(component):
    loaded = component(component.Config()).load()
    assert loaded.context == 1024
    assert loaded.eos_ids == (loaded.tokenizer.eos_token_id,)
    assert str(loaded.model.dtype) == "torch.float32"
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("<think> 7 </think>")) == "<think> 7 </think>"


def test_the_student_has_at_most_a_third_of_the_parameters():
    sizes = [
        sum(parameter.numel() for parameter in component(component.Config()).load().model.parameters())
        for component in (Tiny, TinyStudent)
    ]
    assert 3 * sizes[1] <= sizes[0]
