"""stage=serve: what it refuses before it serves; the serving itself is in tests/serving."""

from __future__ import annotations

import socket

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.core.errors import ConfigError
from r1light.core.run_folder import RunFolder
from r1light.stages import stage_module
from r1light.stages.serve import Config, run


def configured(*overrides):
    words = ["stage=serve", "trainer=cpu", "trainer.threads=1", *overrides]
    (plain,) = compose_jobs(words, Source(), multirun=False).jobs
    return validate(plain, stage_module)


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("R1LIGHT_SERVE_API_KEY", raising=False)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["stage.host=0.0.0.0"], "needs a key: set the environment variable R1LIGHT_SERVE_API_KEY"),
        (["stage.engine=vllm"], "give model.path"),
        (["stage.engine=vllm", "model=hf", "model.path=x", "stage.port=0"], "port of its own"),
        (
            ["stage.engine=vllm", "model=hf", "model.path=x", "stage.chat_template=chatml"],
            "name a Jinja file",
        ),
        (["stage.port=0", "rollout=fake"], "needs rollout=native or rollout=hf, not fake"),
        (["stage.port=0", "stage.chat_template=none.jinja"], "none.jinja is neither chatml nor a file"),
    ],
)
def test_what_cannot_be_served_is_refused(tmp_path, overrides, says):
    with pytest.raises(ConfigError) as caught:
        run(configured(*overrides), RunFolder(tmp_path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"stage.port={port}: cannot listen there"):
            run(configured(f"stage.port={port}"), RunFolder(tmp_path))


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs starlette: `pip install 'r1light\[serve\]'`"):
        run(configured("stage.engine=r1light"), RunFolder(tmp_path))


@pytest.mark.parametrize(
    "wrong", [{"port": 70000}, {"host": ""}, {"max_requests": 0}, {"top_p": 0.0}, {"shutdown_seconds": -1.0}]
)
def test_options_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Config(**wrong)
