"""What `stage=serve` does with vLLM's own server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError

Tell = Callable[[str, str, str, int], None]


def by_vllm(config: RunConfig, path: str | None) -> bool:
    """Whether vLLM is to write.

    Raises:
        ConfigError: It is asked for, and cannot serve this model there.
    """
    from r1light.rollout.vllm.process import is_installed

    options: Any = config.stage
    if options.engine == "r1light":
        return False
    if options.engine == "auto":
        from r1light.stages.build import device_of

        return bool(path) and options.port > 0 and is_installed() and device_of(config) == "cuda"
    if not path:
        raise ConfigError("stage.engine=vllm serves a model directory or a model of the hub: give model.path")
    if not options.port:
        raise ConfigError("stage.engine=vllm needs a port of its own: stage.port=0 is none")
    return True


def serve_vllm(config: RunConfig, path: str | None, name: str, key: str | None, tell: Tell) -> None:
    """Run vLLM's server until a signal comes; its own lines stand on stdout and stderr.

    Args:
        config: The run's configuration.
        path: The model.
        name: Its name for clients.
        key: What clients must bring.
        tell: Says that requests are answered: name, engine, host, port.

    Raises:
        ConfigError: vLLM is not installed, or an option is not for it.
        WorkerError: It does not start, or ends by itself.
        Interrupted: A signal came, and it has ended.
    """
    from r1light.rollout.vllm.process import VllmServer, check_installed, command

    options: Any = config.stage
    more = [f"--seed={config.seed}"]
    if options.reasoning == "split":
        more.append("--reasoning-parser=deepseek_r1")
    if options.chat_template == "chatml":
        raise ConfigError("stage.chat_template=chatml is not for stage.engine=vllm: name a Jinja file")
    if options.chat_template is not None:
        more.append(f"--chat-template={Path(options.chat_template).expanduser()}")
    check_installed("stage.engine=vllm", "stage.engine=r1light")
    words = command(str(path), name, options.host, options.port, [*more, *options.vllm_args])
    server = VllmServer(words, key)
    try:
        server.wait_until_ready(options.host, options.port, options.start_seconds)
        tell(name, "vLLM", options.host, options.port)
        server.wait()
    finally:
        server.close(options.shutdown_seconds)
