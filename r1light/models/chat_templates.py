"""Chat templates that say what the assistant writes, for tokenizers that have none that does."""

from __future__ import annotations

from pathlib import Path

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
        ConfigError: There is neither.
    """
    if name == "chatml":
        return CHATML
    path = Path(name).expanduser()
    if not path.is_file():
        raise ConfigError(f"{option}={name} is neither chatml nor a file with a Jinja template")
    return path.read_text(encoding="utf-8")
