from types import SimpleNamespace

import pytest

from r1light.core.errors import ConfigError, UnknownNameError
from r1light.core.registry import registry
from r1light.stages.curations import row_template
from r1light.stages.sample import Config
from r1light.templates.cold_start import ColdStart
from r1light.templates.r1_zero import R1Zero


def config(curation="none", template="r1_zero", options=None, **values):
    options = options or registry("templates").config_type(template)()
    return SimpleNamespace(
        stage=Config(curation=curation, **values), template=SimpleNamespace(name=template, config=options)
    )


def test_rows_are_written_in_the_named_template_or_the_curations_own():
    assert row_template(config()) is None
    assert isinstance(row_template(config(write_as="r1_zero")), R1Zero)
    assert row_template(config("cold_start")).config == ColdStart.Config()
    assert row_template(config("general")).config == ColdStart.Config(empty_thoughts=True)
    assert isinstance(row_template(config("general", write_as="r1_zero")), R1Zero)


def test_options_of_the_rows_template_stand_over_those_of_the_runs():
    asked = ColdStart.Config(opening="<a>", closing="<b>", prefix="Q ")
    found = row_template(config("general", "cold_start", asked, write_options={"closing": "<c>"}))
    assert found.config == ColdStart.Config(opening="<a>", closing="<c>", prefix="Q ", empty_thoughts=True)
    with pytest.raises(UnknownNameError, match=r"stage\.write_options\.openign"):
        row_template(config("cold_start", write_options={"openign": "x"}))
    with pytest.raises(ConfigError, match=r"stage\.write_options are of stage\.write_as"):
        row_template(config(write_options={"opening": "x"}))


def test_no_tokenizer_is_loaded_where_a_template_needs_none():
    def load_tokenizer():
        raise AssertionError("nobody asked for it")

    for name in ("cold_start", "plain", "r1_zero"):
        options = registry("templates").config_type(name)()
        registry("templates").create(name, options, load_tokenizer=load_tokenizer)


def test_a_review_is_a_file_of_json_lines():
    with pytest.raises(ValueError, match=r"review=rows\.json must name a \.jsonl file"):
        Config(review="rows.json")
