"""The command line: compose and validate, let Hydra run the stage, and turn errors into exit codes.

Exit codes: 0 done; 2 the input is wrong; 1 a fault; 130 or 143 ended by SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from r1light.core.errors import ConfigError, Interrupted, R1LightError, UserError, unknown_name

if TYPE_CHECKING:
    from omegaconf import DictConfig

# Read when torch is loaded. By default threads wait for each other by turning, and so hold up those that they
# wait for as soon as other work wants a core: beside some, iterations took five to nine times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

_received: list[int] = []


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line.

    Args:
        arguments: What follows the program's name; sys.argv's by default.

    Returns:
        The exit code.
    """
    _received.clear()
    words = list(sys.argv[1:] if arguments is None else arguments)
    with _signals():
        try:
            return _dispatch(words)
        except BaseException as error:
            return _exit_code(error, debug=any(word.lstrip("+").lower() == "debug=true" for word in words))


def _dispatch(arguments: list[str]) -> int:
    """Parse Hydra's flags, check the configuration, and hand over to Hydra; `new` runs no stage."""
    if arguments[:1] == ["new"]:
        from r1light.scaffold.new import main as new

        new(arguments[1:])
        return 0
    if "--version" in arguments:
        import r1light

        print(f"r1light {r1light.__version__}")  # noqa: T201
        return 0
    from hydra._internal.utils import get_args_parser

    from r1light.config.compose import Source, compose_jobs
    from r1light.config.search_path import register
    from r1light.config.validate import validate
    from r1light.stages import stage_module

    register()
    args = _flags(get_args_parser(), arguments)
    only_tells = args.help or args.hydra_help or args.shell_completion or args.experimental_rerun
    if not only_tells:
        source = Source(args.config_name or "config", args.config_path, args.config_dir)
        composed = compose_jobs(args.overrides, source, multirun=args.multirun)
        if not (args.cfg or args.info):
            for plain in composed.jobs:
                validate(plain, stage_module)
        settled = dict(zip(args.overrides, composed.overrides, strict=True))
        arguments = [settled.get(argument, argument) for argument in arguments]
    try:
        _hand_to_hydra(arguments, multirun=bool(args.multirun))
    except BrokenPipeError:
        if not (only_tells or args.cfg or args.info):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader, such as `head`, has seen enough
    return 0


def _flags(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Hydra's flags; one that is none of them, as `--learning_rate`, was meant as an option."""

    def refuse(message: str) -> NoReturn:
        meant = "; options are key=value without dashes, such as stage.lr=1e-4"
        raise ConfigError(message + (meant if message.startswith("unrecognized") else ""))

    parser.error = refuse  # type: ignore[method-assign]
    return parser.parse_args(arguments)


def _hand_to_hydra(arguments: list[str], *, multirun: bool) -> None:
    """Run Hydra's own command line on the checked arguments; errors come out as they were raised."""
    import hydra

    from r1light.config.search_path import conf_dir
    from r1light.stages.launch import process_rank
    from r1light.sweep import compared

    run = hydra.main(config_path=str(conf_dir()), config_name="config", version_base="1.3")(_task)
    argv, full_error = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = [argv[0], *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra is to raise, not to print and exit
    try:
        with compared(shown=process_rank() == 0):
            run()
    except _Carried as carried:
        raise carried.error from None
    except OSError as error:
        if multirun or error.filename is None:
            raise
        # a single run's own errors are carried: this one is Hydra's, which makes the folder
        raise ConfigError(
            f"hydra.run.dir: cannot make the folder {error.filename}: {error.strerror}; choose another"
        ) from error
    finally:
        sys.argv = argv
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = full_error


class _Carried(BaseException):
    """Takes an error past Hydra, which would print a line of its own about it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _task(composed: DictConfig) -> float | None:
    """Hydra's task. In a sweep it raises as any task does, for the launcher to see."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    try:
        return _job(composed)
    except Exception as error:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            raise
        raise _Carried(error) from error


def _job(composed: DictConfig) -> float | None:
    """One run. Returns the objective for a sweeper, if one is configured."""
    from hydra.core.hydra_config import HydraConfig

    from r1light.config.compose import resolve
    from r1light.config.validate import validate
    from r1light.core.run_folder import RunFolder
    from r1light.stages import stage_module
    from r1light.stages.execute import run_stage

    hydra_config = HydraConfig.get()
    _mask_sweep_file(Path(hydra_config.sweep.dir) / "multirun.yaml")
    config = validate(resolve(composed), stage_module)
    result = run_stage(config, RunFolder(_relative(hydra_config.runtime.output_dir)), _overrides())
    if config.objective is None:
        return None
    if config.objective not in result.metrics:
        raise unknown_name(f"metric of {config.stage_name} in objective:", config.objective, result.metrics)
    return float(result.metrics[config.objective])


@contextmanager
def _signals() -> Iterator[None]:
    """Raise Interrupted on SIGINT and SIGTERM, and remember which it was."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        del frame
        _received.append(signum)
        raise Interrupted(signum)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_code(error: BaseException, *, debug: bool) -> int:
    """Say on stderr what went wrong, with a traceback for faults and if `debug`; return the exit code."""
    from r1light.config.compose import HYDRA_ERRORS, explain

    # A library may have turned the signal's exception into another on its way here.
    signum = error.signum if isinstance(error, Interrupted) else next(iter(_received), None)
    if signum is not None:
        name = signal.Signals(signum).name
        print(  # noqa: T201
            f"interrupted by {name}; a run that saved a checkpoint goes on from it when the command is given "
            "again with resume=auto, the default",
            file=sys.stderr,
        )
        return 128 + signum
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, HYDRA_ERRORS):
        error = explain(error)
    if isinstance(error, R1LightError):
        # a user's error is one line; a reward's failure carries the traceback of the user's function
        code = error.exit_code
        line = " ".join(str(error).split()) if isinstance(error, UserError) else str(error)
    else:
        code, line = 1, f"{type(error).__name__}: {error}"
    if not isinstance(error, R1LightError) or debug:
        traceback.print_exception(error)
    print(f"error: {line}", file=sys.stderr)  # noqa: T201
    return code


def _overrides() -> list[str]:
    from hydra.core.hydra_config import HydraConfig

    return [str(override) for override in HydraConfig.get().overrides.task]


def _relative(path: str) -> Path:
    """The path from here where it lies below here: shorter in logs and messages."""
    absolute = Path(path)
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute


def _mask_sweep_file(path: Path) -> None:
    """Hide secrets in the copy of the configuration that Hydra writes beside a sweep's runs."""
    import yaml

    from r1light.core.masking import mask, mask_override
    from r1light.core.run_folder import write_atomic

    if path.is_file():
        masked = mask(yaml.safe_load(path.read_text(encoding="utf-8")))
        overrides = masked["hydra"]["overrides"]
        overrides["task"] = [mask_override(override) for override in overrides["task"]]
        write_atomic(path, yaml.safe_dump(masked, sort_keys=False, allow_unicode=True).encode())


if __name__ == "__main__":
    sys.exit(main())
