import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.masking import MASK, is_secret_key, mask, mask_override


@pytest.mark.parametrize(
    "key",
    [
        "token", "hf_token", "HF_TOKEN", "hfToken", "access_token", "api_key", "apiKey", "API_KEY", "apikey",
        "wandb_api_key", "secret", "client_secret", "secret_key", "password", "db_password", "private_key",
        "credentials", "aws-secret-access-key", "auth_key",
    ],
)  # fmt: skip
def test_keys_of_secrets(key):
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "max_tokens", "max_new_tokens", "tokens", "token_ids", "token_budget", "tokenizer", "eos_token",
        "pad_token", "stop_token", "key", "prompt_key", "answer_key", "keys", "keyboard", "monkey", "path",
        "tokens_per_second", "secretary",
    ],
)  # fmt: skip
def test_keys_that_only_look_like_it(key):
    assert not is_secret_key(key)


def test_every_text_below_a_secret_key_is_hidden_and_the_rest_stays():
    value = {
        "credentials": {"user": "me", "keys": ["a", "b"], "port": 80, "none": None},
        "stage": {"max_tokens": 128, "eos_token": "<|end|>", "lr": 1e-4},
        "token": None,
        "empty": {"password": ""},
    }
    assert mask(value) == {
        "credentials": {"user": MASK, "keys": [MASK, MASK], "port": 80, "none": None},
        "stage": {"max_tokens": 128, "eos_token": "<|end|>", "lr": 1e-4},
        "token": None,
        "empty": {"password": ""},
    }


@pytest.mark.parametrize(
    "secret",
    [
        "hf_" + "a1B2" * 8,
        "sk-" + "Ab3-" * 6,
        "ghp_" + "x9" * 12,
        "github_pat_" + "1A" * 12,
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "xoxb-1234567890-abc",
    ],
)
def test_a_text_that_looks_like_a_secret_is_hidden_wherever_it_stands(secret):
    assert secret not in str(mask({"note": f"use {secret} here", "rows": [secret]}))


def test_an_assignment_inside_a_text_is_hidden_by_its_key():
    assert (
        mask("seed=1,logger.api_key=abc,stage.max_tokens=3")
        == f"seed=1,logger.api_key={MASK},stage.max_tokens=3"
    )


def test_a_password_in_an_address_is_hidden_and_the_address_kept():
    assert mask("https://me:hunter2@host/x") == f"https://{MASK}@host/x"
    assert mask("https://host:8080/x") == "https://host:8080/x"


def test_overrides_are_masked_by_their_key_and_by_their_text():
    assert mask_override("++logger.api_key=abc") == f"++logger.api_key={MASK}"
    assert mask_override("data.credentials.user=me") == f"data.credentials.user={MASK}"
    assert mask_override("stage.max_tokens=64") == "stage.max_tokens=64"
    assert mask_override("data.path=hf_" + "a" * 30) == f"data.path={MASK}"


@given(
    st.recursive(
        st.none() | st.integers() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_values_that_are_no_text_are_never_changed(value):
    assert mask(value) == value
