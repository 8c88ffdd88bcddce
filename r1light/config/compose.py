"""Composing the configuration before Hydra runs anything, and its errors in one line each.

Hydra refuses `stage.x=1` where no YAML writes `x`, though the stage may well have that option. Such an
override is made to add the key (`++stage.x=1`); whether the key exists is then said by the schema, which
knows all options and the nearest name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import (
    CompactHydraException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException, UnsupportedInterpolationType
from yaml import YAMLError

from r1light.config.choices import check_choices
from r1light.config.quoting import needs_quotes, with_quotes
from r1light.config.rates import register_rates
from r1light.config.references import KINDS, register_references
from r1light.config.scale import apply_scale
from r1light.config.search_path import conf_dir
from r1light.core.errors import ConfigError, UnknownNameError, UserError, unknown_name

_BY_PATH = {"model": "hf", "data": "jsonl"}
"""What reads whatever there is at a path."""
HYDRA_ERRORS = (HydraException, OmegaConfBaseException, YAMLError)
"""What Hydra, OmegaConf and the reading of YAML raise for wrong input."""

_NOT_IN_YAML = re.compile(r"Could not override '([^']+)'\.\s+To append to your config use")
_EMPTY_FOLDER = re.compile(r"\+{0,2}(hydra\.(?:run|sweep)\.dir)=['\"\s]*")
_BASIC_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


@dataclass(frozen=True, slots=True)
class Source:
    """Where to compose from.

    Attributes:
        config_name: The primary configuration, without `.yaml`.
        config_path: Its folder, or None for ours.
        config_dir: A folder that is searched first, or None.
    """

    config_name: str = "config"
    config_path: str | None = None
    config_dir: str | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """What a command line comes to.

    Attributes:
        jobs: One configuration a job, Hydra's node left out, as plain data with interpolations resolved.
        overrides: The overrides as Hydra is to be given them, in the order they came in.
        multirun: Whether Hydra will sweep.
    """

    jobs: list[dict[str, Any]]
    overrides: list[str]
    multirun: bool


def compose_jobs(overrides: Sequence[str], source: Source, *, multirun: bool) -> Composed:
    """Compose every job of a command line; of another sweeper's sweep, one job without what is swept.

    Args:
        overrides: The overrides of the command line.
        source: Where to compose from.
        multirun: Whether the command line asks for a sweep; the configuration may ask for one too.

    Raises:
        ConfigError: An override cannot be read, or names a group, option or key that does not exist.
    """
    overrides = [with_quotes(line) for line in overrides]
    if empty := next(filter(None, map(_EMPTY_FOLDER.fullmatch, overrides)), None):
        raise ConfigError(f"{empty[1]} is empty; name a folder, or leave it out for one by date and time")
    with _initialized(source):
        parsed = _parse(overrides)
        check_choices(parsed)
        fixed = [
            line for line, override in zip(overrides, parsed, strict=True) if not override.is_sweep_override()
        ]
        swept = len(fixed) < len(parsed)
        forced: set[str] = set()
        config = _compose(source.config_name, fixed if multirun or not swept else overrides, forced)
        multirun = multirun or str(config.hydra.mode) == "RunMode.MULTIRUN"
        configs = [config]
        if multirun and config.hydra.sweeper.get("_target_") == _BASIC_SWEEPER:
            combinations = _combinations(config, overrides)
            configs = [_compose(source.config_name, combination, forced) for combination in combinations]
        elif multirun:
            known = [line for line in overrides if line in fixed or "." in _key(line)]
            forced.update(_others_absent(source.config_name, known))
    final = [f"++{line}" if _key(line) in forced else line for line in overrides]
    return Composed([resolve(config) for config in configs], final, multirun)


def resolve(config: DictConfig) -> dict[str, Any]:
    """A composed configuration as plain data, Hydra's node left out and interpolations resolved.

    A pipeline's scale is merged into it; references between its steps stay as they are written.

    Raises:
        ConfigError: A required value is missing, or an interpolation cannot be resolved.
    """
    register_rates()
    hydra_config = HydraConfig.instance()
    before = hydra_config.cfg
    if "hydra" in config:
        hydra_config.set_config(config)  # for values such as ${hydra:runtime.cwd}
    try:
        scaled = _without_hydra(config)
        apply_scale(scaled, OmegaConf.select(config, "hydra.overrides.task") or [])
        plain = OmegaConf.to_container(scaled, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise explain(error) from error
    finally:
        hydra_config.cfg = before
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def explain(error: Exception) -> UserError:
    """Hydra's or OmegaConf's error as one line that says what, where and what would be right."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _missing_config(error)
    if isinstance(error, MissingMandatoryValue):
        return ConfigError(f"{error.full_key} is required; set {error.full_key}=...")
    if isinstance(error, OverrideParseException):
        if "=" not in str(error.override):
            return ConfigError(
                f"{error.override!r} is no option: options are key=value, such as stage=grpo; see --help"
            )
        reason = " ".join(str(error.message).split())
        return ConfigError(
            f"cannot read the override {error.override!r}, which should be key=value: {reason}"
            + needs_quotes(str(error.override))
        )
    cause = error.__cause__
    if isinstance(error, CompactHydraException) and isinstance(cause, OmegaConfBaseException):
        return _at_key(cause) if cause.full_key and not str(error) else _joined(error, cause)
    if isinstance(error, OmegaConfBaseException) and error.full_key:
        return _at_key(error)
    if several := re.search(r"Ambiguous value for argument '([^=']+)=([^']+)'", str(error)):
        key, values = several.groups()
        return ConfigError(
            f"{key}={values} has several values: for a sweep over them put -m in front, for a list brackets "
            f"around them ({key}=[{values}])"
        )
    if isinstance(error, YAMLError):
        return ConfigError(f"a configuration file is not valid YAML: {' '.join(str(error).split())}")
    return _joined(error)


def _at_key(error: OmegaConfBaseException) -> ConfigError:
    line = str(error).splitlines()[0]
    if isinstance(error, UnsupportedInterpolationType):
        kinds = ", ".join(f"${{{kind}:...}}" for kind in KINDS)
        line += f"; between the steps of a pipeline there are {kinds}"
    return ConfigError(f"{error.full_key}: {line}")


def _joined(error: Exception, *causes: Exception) -> ConfigError:
    lines = [line for line in (str(error) or type(error).__name__).splitlines() if line.strip()]
    lines += [str(cause).splitlines()[0] for cause in causes]
    return ConfigError(" ".join(line.strip() for line in lines[:3]))


def _missing_config(error: MissingConfigException) -> UserError:
    """A group without that option, or a primary configuration that is not there."""
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    first, _, path = str(error.missing_cfg_file).partition("/")
    if path and first in _BY_PATH and error.options is not None:
        there = str(unknown_name(first, name, error.options)).replace(repr(name), repr(path), 1)
        own = f"{first}={_BY_PATH[first]} {first}.path={path}"
        return UnknownNameError(f"{there}. One on the hub or in a folder: {own}")
    if error.options is not None and group:
        return unknown_name(
            f"{group} (a group of YAML files)" if "/" in group else group, name, error.options
        )
    return ConfigError(" ".join(str(error).split()))


class _ConfigDir(SearchPathPlugin):
    """Puts `--config-dir` first on the compose API's search path, as Hydra's own command line does."""

    folder: str | None = None

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if self.folder is not None:
            path = f"file://{Path(self.folder).absolute()}"
            search_path.prepend("command-line", path, SearchPathQuery(provider="schema"))


@contextmanager
def _initialized(source: Source) -> Iterator[None]:
    """Hydra's compose API, beside a job that Hydra may be running in this process."""
    if source.config_dir is not None and not Path(source.config_dir).is_dir():
        raise ConfigError(f"--config-dir {source.config_dir} is no folder")
    _ConfigDir.folder = source.config_dir
    Plugins.instance().register(_ConfigDir)
    register_references()
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        folder = Path(source.config_path).absolute() if source.config_path else conf_dir()
        with initialize_config_dir(str(folder), job_name="r1light", version_base="1.3"):
            _ConfigDir.folder = None
            yield
    finally:
        _ConfigDir.folder = None
        GlobalHydra.instance().hydra = running


def _parse(overrides: Iterable[str]) -> list[Override]:
    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except HYDRA_ERRORS as error:
        raise explain(error) from error


def _combinations(config: DictConfig, overrides: Sequence[str]) -> list[list[str]]:
    """The overrides of each job of a basic sweep, in its order."""
    params = config.hydra.sweeper.get("params") or {}
    lines = [f"{key}={value}" for key, value in params.items()] + list(overrides)
    try:
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        batches = BasicSweeper.split_arguments(parser.parse_overrides(lines), None)
    except HYDRA_ERRORS as error:
        raise explain(error) from error
    return [job for batch in batches for job in batch]


def _compose(config_name: str, overrides: Sequence[str], forced: set[str]) -> DictConfig:
    """Compose, making overrides of keys that no YAML writes add them; their keys are added to `forced`."""
    while True:
        lines = [f"++{line}" if _key(line) in forced else line for line in overrides]
        try:
            return compose(config_name, lines, return_hydra_config=True)
        except HYDRA_ERRORS as error:
            absent = _NOT_IN_YAML.search(str(error))
            if absent is None or absent[1] in forced:
                raise explain(error) from error
            forced.update([absent[1], *_others_absent(config_name, lines)])


def _others_absent(config_name: str, lines: Sequence[str]) -> list[str]:
    """Dotted keys that only overrides write: Hydra names one a composition, and composing is slow."""
    values = [line for line in lines if re.match(r"\w+\.[\w.]+=", line)]
    try:
        config = compose(config_name, [line for line in lines if line not in values])
    except HYDRA_ERRORS:
        return []  # what is wrong with the others is found when all are composed
    written = {key: OmegaConf.select(config, key.rpartition(".")[0]) for key in map(_key, values)}
    return [
        key
        for key, node in written.items()
        if not OmegaConf.is_dict(node) or key.rpartition(".")[2] not in node
    ]


def _key(line: str) -> str:
    return line.partition("=")[0]


def _without_hydra(config: DictConfig) -> DictConfig:
    """The configuration without Hydra's node, whose own required values are filled in at run time only."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
