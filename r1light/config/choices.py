"""Choices of groups that cannot be, such as `pipeline=null`: Hydra does not say what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override

from r1light.core.errors import ConfigError, unknown_name


def check_choices(parsed: Iterable[Override]) -> None:
    """Look at the choices of a command line, in the compose API's context.

    Raises:
        ConfigError: A group of YAML files is given a number, a flag or nothing, or an unknown name in a list.
    """
    loader = GlobalHydra.instance().config_loader()
    for override in parsed:
        if override.is_delete() or override.is_sweep_override():
            continue
        group, value = override.get_key_element(), override.value()
        if value is not None and not isinstance(value, bool | int | float | list):
            continue
        options = loader.get_group_options(str(override.key_or_group))
        if options and not isinstance(value, list):
            raise ConfigError(
                f"{group}={override.get_value_element_as_str()}: {override.key_or_group} is a group of "
                f"YAML files; name one ({', '.join(options)}), or leave {override.key_or_group} out"
            )
        for name in value if options and isinstance(value, list) else ():
            if str(name) not in options:
                raise unknown_name(group, str(name), options)
