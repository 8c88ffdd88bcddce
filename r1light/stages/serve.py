"""`stage=serve`: an OpenAI-compatible endpoint over a model, for harnesses that ask one.

Reads: a model. Writes no run folder. Listens on the loopback address alone unless there is a key. The engine
is the run's `rollout=` (native or hf), or vLLM's own server in a second process.
"""

from __future__ import annotations

import importlib.util
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.run_folder import RunFolder, StageResult
from r1light.core.types import SamplingParams

if TYPE_CHECKING:
    from r1light.serving.access import Access

MAKES_RUN_FOLDER = False
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Config:
    """Where it listens, what it allows, and who writes."""

    name: Literal["serve"] = "serve"
    """The stage."""
    engine: Literal["auto", "r1light", "vllm"] = "auto"
    """r1light is the run's `rollout=`; auto takes vLLM where it is installed, with a GPU and model.path."""
    host: str = "127.0.0.1"
    """The address to listen on; another than loopback needs a key."""
    port: int = 8000
    """The port; 0 takes any free one (not with vLLM)."""
    api_key_env: str = "R1LIGHT_SERVE_API_KEY"
    """The environment variable with the key that clients must bring; unset or empty for none, on loopback."""
    model_name: str | None = None
    """The model's name for clients; null for model.path, or the name in `model=`."""
    chat_template: str | None = None
    """chatml, a Jinja file, or null for the tokenizer's own."""
    reasoning: Literal["raw", "split"] = "raw"
    """split puts a `<think>` thought in `reasoning_content`; raw leaves all in `content`."""
    temperature: float = 1.0
    """Of requests that name none."""
    top_p: float = 1.0
    """Of requests that name none."""
    max_requests: int = 256
    """Requests at a time, those that wait included; more are answered with 503 and Retry-After."""
    max_request_bytes: int = 8 << 20
    """The largest body of a request; larger ones are answered with 413."""
    request_seconds: float = 3600.0
    """What a request may take; then it is answered with 504."""
    shutdown_seconds: float = 10.0
    """What running requests may take after SIGTERM or Ctrl-C; then they are given up."""
    start_seconds: float = 900.0
    """What vLLM's server may take until it answers."""
    vllm_args: tuple[str, ...] = ()
    """More arguments for vLLM's server, such as --tensor-parallel-size=2."""

    def __post_init__(self) -> None:
        SamplingParams(temperature=self.temperature, top_p=self.top_p)
        if not 0 <= self.port < 1 << 16:
            raise ValueError(f"port={self.port} must be in [0, 65536)")
        if not self.host or not self.api_key_env:
            raise ValueError("host and api_key_env must not be empty")
        for name in ("max_requests", "max_request_bytes", "request_seconds", "start_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0")
        if self.shutdown_seconds < 0:
            raise ValueError(f"shutdown_seconds={self.shutdown_seconds} must not be negative")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Serve until a signal comes.

    Raises:
        ConfigError: It must not listen there without a key, or what it needs is not installed.
        Interrupted: A signal came, and the server has ended.
    """
    del folder
    from r1light.stages.serve_vllm import by_vllm, serve_vllm

    options: Config = config.stage
    key = _key(options)
    path = getattr(config.model.config, "path", None)
    name = options.model_name or path or config.model.name
    if by_vllm(config, path):
        serve_vllm(config, path, name, key, _tell)
    else:
        _serve_r1light(config, name, key)
    return StageResult("serve", {})


def _key(options: Config) -> str | None:
    from r1light.serving.access import is_loopback

    key = os.environ.get(options.api_key_env, "").strip() or None
    if key is None and not is_loopback(options.host):
        raise ConfigError(
            f"stage.host={options.host} can be reached from other machines, which needs a key: set the "
            f"environment variable {options.api_key_env}, or take stage.host=127.0.0.1"
        )
    return key


def _serve_r1light(config: RunConfig, name: str, key: str | None) -> None:
    for library in ("starlette", "uvicorn"):
        if importlib.util.find_spec(library) is None:
            raise ConfigError(f"stage=serve needs {library}: `pip install 'r1light[serve]'`")
    from r1light.serving.access import Access
    from r1light.serving.server import listen, serve
    from r1light.serving.worker import Worker
    from r1light.stages import build
    from r1light.stages.supervised import set_up

    options: Config = config.stage
    set_up(config)
    with listen(options.host, options.port) as listening:
        loaded = build.build_model(config)
        engine: Any = build.build_engine(config, loaded)
        try:
            if not hasattr(engine, "live"):
                raise ConfigError(
                    f"stage=serve needs rollout=native or rollout=hf, not {config.rollout.name}"
                )
            worker = Worker(engine.live())
            port = listening.getsockname()[1]
            endpoint = _endpoint(config, loaded, worker, name, Access(key))
            told = f"rollout={config.rollout.name}"
            serve(
                endpoint, worker, listening, options.shutdown_seconds,
                lambda: _tell(name, told, options.host, port),
            )  # fmt: skip
        finally:
            engine.close()


def _endpoint(config: RunConfig, loaded: Any, worker: Any, name: str, access: Access) -> Any:
    from r1light.models.chat_templates import chat_template
    from r1light.serving.app import Endpoint, Settings
    from r1light.serving.asked import Defaults
    from r1light.serving.prompts import Prompts

    options: Config = config.stage
    jinja = None if options.chat_template is None else chat_template(options.chat_template)
    vocabulary = loaded.model.get_input_embeddings().weight.shape[0]
    settings = Settings(
        model=name,
        access=access,
        defaults=Defaults(options.temperature, options.top_p),
        split=options.reasoning == "split",
        max_bytes=options.max_request_bytes,
        max_requests=options.max_requests,
        seconds=options.request_seconds,
        seed=config.seed,
    )

    def decode(ids: Any) -> str:
        return str(loaded.tokenizer.decode(list(ids), skip_special_tokens=True))

    return Endpoint(settings, Prompts(loaded.tokenizer, loaded.context, vocabulary, jinja), worker, decode)


def _tell(name: str, engine: str, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    _log.info("serving %s by %s at http://%s:%d/v1; Ctrl-C ends", name, engine, shown, port)
