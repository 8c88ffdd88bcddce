from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

from r1light.core.errors import StorageError
from r1light.models import save
from r1light.models.save import save_model
from r1light.models.tiny_tokenizer import train_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["a small text, and another one"], 270)


def model(tied, seed=0):
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=270,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=tied,
    )
    return Qwen2ForCausalLM(config)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_what_is_saved_loads_as_it_was(tied, dtype, tokenizer, tmp_path):
    saved = model(tied).to(dtype)
    save_model(saved, tokenizer, tmp_path / "model")
    loaded, report = AutoModelForCausalLM.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not report["missing_keys"]
    assert loaded.dtype == dtype
    assert type(loaded) is Qwen2ForCausalLM
    for name, value in saved.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name


def test_a_directory_is_replaced_whole(tokenizer, tmp_path):
    target = tmp_path / "model"
    save_model(model(True, seed=0), tokenizer, target)
    (target / "stray").touch()
    save_model(model(True, seed=1), tokenizer, target)
    assert not (target / "stray").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_failed_write_leaves_the_old_directory(tokenizer, tmp_path, monkeypatch):
    target = tmp_path / "model"
    save_model(model(True), tokenizer, target)
    before = (target / "model.safetensors").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(save, "_write", full)
    with pytest.raises(StorageError, match=r"cannot write the model to .*No space left"):
        save_model(model(True, seed=1), tokenizer, target)
    assert (target / "model.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
