"""Chat templates that say what the assistant writes, for tokenizers that have none that does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import TemplateError

from r1light.core.errors import ConfigError

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""Turns between <|im_start|> and <|im_end|>, as Qwen's models have them, with generation markers."""

CHATML_OPEN = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] }}"
    "{% if not (loop.last and message['role'] == 'assistant') %}{{ '<|im_end|>\\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""The same with the last answer left open: a reward model reads its score at the answer's last token."""

TO_WRITE: Mapping[str, str] = {"chatml": CHATML}
"""Templates by name that tell a model where its turn ends."""
TO_SCORE: Mapping[str, str] = {"chatml": CHATML, "chatml_open": CHATML_OPEN}
"""Templates by name of texts that are scored."""


def chat_template(name: str, option: str = "stage.chat_template", named: Mapping[str, str] = TO_WRITE) -> str:
    """A chat template by name, or out of a file.

    Args:
        name: One of `named`, or a file.
        option: The option that named it, for the error.
        named: The templates that have names here.

    Raises:
        ConfigError: There is neither, or the file's template fails on a question and its answer.
    """
    if name in named:
        return named[name]
    path = Path(name).expanduser()
    if not path.is_file():
        raise ConfigError(
            f"{option}={name} is neither {' nor '.join(named)} nor a file with a Jinja template"
        )
    try:
        template = path.read_text(encoding="utf-8")
        _try_out(template)
    except (OSError, ValueError, TemplateError) as error:
        raise ConfigError(f"{option}={name} is no template that works: {error}") from error
    return template


def _try_out(template: str) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    turns = [{"role": "user", "content": "2+3?"}, {"role": "assistant", "content": "5"}]
    render_jinja_template(conversations=[turns], chat_template=template)
