import json
import subprocess
import sys

import pytest
import torch

from r1light.core.errors import ModelError
from r1light.models.pretrained import Pretrained
from r1light.models.tiny import Tiny, TinyStudent


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A model directory as `save_pretrained` writes it; the tokenizer's end token is not the model's two."""
    from tokenizers import pre_tokenizers
    from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

    path = tmp_path_factory.mktemp("models") / "small"
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: position for position, character in enumerate(alphabet)}
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], eos_token="<|end|>", pad_token="<|pad|>")
    config = Qwen2Config(
        vocab_size=264,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=77,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(config).half()
    model.generation_config.eos_token_id = [9, 5]
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture
def spoiled(directory, tmp_path):
    """Copies the directory and lets a test change a file of it."""
    import shutil

    path = tmp_path / "spoiled"
    shutil.copytree(directory, path)
    return path


def load(path, **options):
    return Pretrained(Pretrained.Config(path=str(path), **options)).load()


def test_a_directory_is_loaded_with_all_its_end_tokens(directory):
    loaded = load(directory)
    end = loaded.tokenizer.convert_tokens_to_ids("<|end|>")
    assert loaded.eos_ids == tuple(sorted((5, 9, end)))
    assert (loaded.context, loaded.path) == (77, str(directory))
    assert loaded.model.dtype is torch.float32
    assert not loaded.model.training
    assert loaded.model.config._attn_implementation == "sdpa"
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("1+2 = 3")) == "1+2 = 3"


def test_a_single_end_token_and_the_files_own_format(spoiled):
    stated = spoiled / "generation_config.json"
    stated.write_text(json.dumps(json.loads(stated.read_text()) | {"eos_token_id": 7}))
    loaded = load(spoiled, dtype="auto")
    assert 7 in loaded.eos_ids
    assert 9 not in loaded.eos_ids
    assert loaded.model.dtype is torch.float16


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "path", ["/no/such/model", "./no/such/model", "runs/grpo/no/model", "~/no/such/model"]
)
def test_an_absent_directory_is_named(path):
    with pytest.raises(ModelError, match="there is no model directory") as error:
        load(path)
    assert path in one_line(error)


def test_a_directory_or_file_that_is_no_model_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"it has no config\.json"):
        load(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"did you mean '.*/model'\?"):  # a run folder
        load(tmp_path)
    (tmp_path / "model.bin").write_text("")
    with pytest.raises(ModelError, match="is a file"):
        load(tmp_path / "model.bin")


def test_a_name_that_the_hub_cannot_give_is_one_line(tmp_path):
    program = (
        "from r1light.models.pretrained import Pretrained\n"
        "from r1light.core.errors import ModelError\n"
        "try:\n    Pretrained(Pretrained.Config(path='nobody/nothing')).load()\n"
        "except ModelError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.startswith(
        "cannot load the model 'nobody/nothing', which is no directory here: OSError: "
    )
    assert done.stdout.count("\n") == 1


def test_damaged_weights_are_one_line(spoiled):
    weights = spoiled / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(ModelError, match="cannot load the model") as error:
        load(spoiled)
    one_line(error)


def test_weights_that_lack_are_not_made_up(spoiled):
    from safetensors.torch import load_file, save_file

    tensors = load_file(spoiled / "model.safetensors")
    del tensors["model.layers.0.mlp.up_proj.weight"]
    save_file(tensors, spoiled / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lacks 1 weights") as error:
        load(spoiled)
    assert "up_proj" in one_line(error)


def test_weights_of_another_shape_are_refused(spoiled):
    config = json.loads((spoiled / "config.json").read_text())
    (spoiled / "config.json").write_text(json.dumps(config | {"vocab_size": 300}))
    with pytest.raises(ModelError) as error:
        load(spoiled)
    one_line(error)


def test_a_model_without_a_tokenizer_is_refused(spoiled):
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"):
        (spoiled / name).unlink(missing_ok=True)
    with pytest.raises(ModelError, match="no tokenizer files") as error:
        load(spoiled)
    one_line(error)


def test_a_path_is_needed():
    with pytest.raises(ValueError, match=r"model\.path"):
        Pretrained.Config()


def test_tiny_takes_another_directory_in_its_place(directory):
    assert Tiny(Tiny.Config(path=str(directory))).load().context == 77
    assert (
        TinyStudent(TinyStudent.Config(path=str(directory), dtype="bfloat16")).load().model.dtype
        is torch.bfloat16
    )


def test_packaged_weights_that_are_absent_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("r1light.models.tiny.WEIGHTS", tmp_path)
    with pytest.raises(ModelError, match=r"'tiny_student' is absent .* stage=base"):
        TinyStudent(TinyStudent.Config()).load()


def test_components_import_no_torch():
    program = (
        "import sys\n"
        "import r1light.models.pretrained, r1light.models.tiny, r1light.rollout.native, r1light.rollout.hf\n"
        "import r1light.rollout.fake, r1light.rollout.replay\n"
        "print([name for name in ('torch', 'transformers', 'numpy') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "[]\n"
