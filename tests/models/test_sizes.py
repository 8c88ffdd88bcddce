from __future__ import annotations

import json
import math

import pytest
from safetensors import safe_open

from r1light.models.sizes import KNOWN, model_size, size_from_config
from r1light.models.tiny import WEIGHTS

DENSE = {
    "hidden_size": 10, "num_hidden_layers": 3, "num_attention_heads": 5, "num_key_value_heads": 1,
    "intermediate_size": 20, "vocab_size": 100,
}  # fmt: skip
V3 = {  # of its config.json (arXiv:2412.19437, 4.2)
    "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128, "intermediate_size": 18432,
    "vocab_size": 129280, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128, "v_head_dim": 128, "first_k_dense_replace": 3, "n_shared_experts": 1,
    "n_routed_experts": 256, "num_experts_per_tok": 8, "moe_intermediate_size": 2048,
}  # fmt: skip


def test_a_dense_model_is_counted_by_its_shapes():
    # width 10 / 5 = 2. Tables 2 x 100 x 10 = 2,000; a layer: queries and output 2 x 10 x 10 = 200, keys and
    # values 2 x 10 x 2 = 40, feed-forward 3 x 10 x 20 = 600, norms 20: 860. 2,000 + 3 x 860 + 10 = 4,590
    size = size_from_config(DENSE)
    assert (size.parameters, size.active) == (4590, 4590)
    assert size.cache == 2 * 1 * 2 * 3
    assert size_from_config({**DENSE, "tie_word_embeddings": True}).parameters == 3590
    assert size_from_config({**DENSE, "max_position_embeddings": 64}).context == 64


def test_the_packaged_models_are_as_large_as_their_files():
    for name in ("tiny", "tiny_student"):
        with safe_open(WEIGHTS / name / "model.safetensors", "pt") as file:
            real = sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118
        size = model_size(str(WEIGHTS / name))
        assert size is not None
        # biases of queries, keys and values are left out
        assert size.parameters == pytest.approx(real, rel=3e-3)
        assert size.parameters < real


def test_deepseek_v3_is_counted_as_its_authors_do():
    size, known = size_from_config(V3), KNOWN["deepseek-ai/DeepSeek-V3-Base"]
    # 671B in all, of which 37B are active; its authors' 37B counts one of the two tables of 0.9B
    assert size.parameters == pytest.approx(known.parameters, rel=1e-3)
    assert size.active == pytest.approx(known.active, rel=0.02)
    assert (size.layers, size.hidden, size.cache) == (known.layers, known.hidden, known.cache)


def test_a_model_is_known_by_its_files_or_its_name(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(DENSE))
    assert model_size(str(tmp_path)) == size_from_config(DENSE)
    assert model_size("Qwen/Qwen2.5-32B").parameters == 32.5e9
    assert model_size("nobody/nothing") is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({**DENSE, "num_experts": 4})])
def test_what_is_of_another_kind_is_not_known(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    assert model_size(str(tmp_path)) is None


def test_every_model_of_the_configuration_is_known():
    from r1light.config.search_path import conf_dir

    files = [path.read_text() for path in (conf_dir() / "model").glob("*.yaml")]
    paths = [line.removeprefix("path: ") for text in files for line in text.splitlines() if "path: " in line]
    assert {path for path in paths if path.count("/") == 1} <= KNOWN.keys()
