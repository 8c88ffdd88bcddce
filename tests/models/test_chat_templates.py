"""Chat templates out of files."""

from __future__ import annotations

import pytest

from r1light.core.errors import ConfigError
from r1light.models.chat_templates import CHATML, chat_template


def test_a_template_that_cannot_work_is_refused_in_one_line(tmp_path):
    file = tmp_path / "chat.jinja"
    file.write_text(CHATML)
    assert chat_template(str(file)) == CHATML
    for text in ("{% for m in messages %}{{ m.role }", '{{ raise_exception("never") }}'):
        file.write_text(text)
        with pytest.raises(
            ConfigError, match=r"stage\.chat_template=.*chat\.jinja is no template that works"
        ):
            chat_template(str(file))
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is no template that works"):
        chat_template(str(file))
