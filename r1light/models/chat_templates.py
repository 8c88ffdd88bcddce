"""Chat templates that say what the assistant writes, for tokenizers that have none that does."""

from __future__ import annotations

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


def chat_template(name: str, option: str = "stage.chat_template") -> str:
    """A chat template by name, or out of a file.

    Args:
        name: "chatml", or a file.
        option: The option that named it, for the error.

    Raises:
        ConfigError: There is neither, or the file's template fails on a question and its answer.
    """
    if name == "chatml":
        return CHATML
    path = Path(name).expanduser()
    if not path.is_file():
        raise ConfigError(f"{option}={name} is neither chatml nor a file with a Jinja template")
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
