"""Hiding secrets in what a run writes down about itself.

A string is hidden if the name of its key says that it is a secret, or if it looks like one. Token ids,
special tokens (`eos_token`) and names of columns (`prompt_key`) are no secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

_SECRET_WORDS = frozenset(
    ["password", "passwd", "passphrase", "pwd", "secret", "secrets", "credential", "credentials", "apikey"]
)
_SECRET_KEYS = frozenset(
    ["api", "access", "private", "secret", "auth", "signing", "encryption", "account", "service", "master"]
)
_SPECIAL_TOKENS = frozenset(
    [
        "eos",
        "bos",
        "pad",
        "unk",
        "sep",
        "cls",
        "mask",
        "stop",
        "end",
        "start",
        "image",
        "audio",
        "think",
        "special",
        "new",
        "first",
        "last",
    ]
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ASSIGNMENT = re.compile(r"[\w.+-]+=[^,\s&]+")
_LOOKS_SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}"
    r"|\bxox[a-z]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b|\bwandb_v\d_\w{20,}|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)


def mask(value: Any) -> Any:
    """A copy of plain data with secrets replaced by `***`.

    Example:
        >>> mask({"max_tokens": 128, "hf_token": "abc", "eos_token": "<end>", "host": "http://me:pw@h/"})
        {'max_tokens': 128, 'hf_token': '***', 'eos_token': '<end>', 'host': 'http://***@h/'}
    """
    if isinstance(value, Mapping):
        return {key: _hide(item) if is_secret_key(str(key)) else mask(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask(item) for item in value]
    if not isinstance(value, str):
        return value
    return _ASSIGNMENT.sub(lambda found: mask_override(found[0]), _LOOKS_SECRET.sub(MASK, value))


def mask_override(override: str) -> str:
    """The same for one `key=value` of the command line.

    Example:
        >>> mask_override("logger.api_key=abc"), mask_override("stage.max_tokens=64")
        ('logger.api_key=***', 'stage.max_tokens=64')
    """
    key, equals, value = override.partition("=")
    secret = bool(equals) and any(is_secret_key(part) for part in key.split("."))
    return f"{key}={MASK}" if secret and value else _LOOKS_SECRET.sub(MASK, override)


def is_secret_key(key: str) -> bool:
    """Whether a key's name says that its text is a secret.

    Example:
        >>> [is_secret_key(key) for key in ("HF_TOKEN", "apiKey", "max_tokens", "pad_token", "prompt_key")]
        [True, True, False, False, False]
    """
    words = [word.lower() for word in _WORDS.findall(key)]
    if _SECRET_WORDS.intersection(words):
        return True
    before = words[-2] if len(words) > 1 else ""
    if words[-1:] == ["token"]:
        return before not in _SPECIAL_TOKENS
    return words[-1:] == ["key"] and before in _SECRET_KEYS


def _hide(value: Any) -> Any:
    """Hide every text in a value; numbers, flags and absent values tell nothing and stay."""
    if isinstance(value, Mapping):
        return {key: _hide(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(item) for item in value]
    return MASK if isinstance(value, str) and value else value
