"""Plain data into a frozen dataclass, strictly, with errors that name the key and what would be right."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from r1light.core.errors import ConfigError, PluginError, UnknownNameError, nearest

T = TypeVar("T")


def convert(config_type: type[T], plain: Mapping[str, Any], path: str, *, beside: tuple[str, ...] = ()) -> T:
    """Build a dataclass from plain data; nested dataclasses, Literals and tuples included.

    Types are strict: "3" is no int, true is no number; an int is a float, and a list a tuple.

    Args:
        config_type: A standard dataclass. Its own checks stand in `__post_init__` and raise ValueError.
        plain: Keys to values, as YAML gives them.
        path: Where the keys stand in the configuration, such as "stage" or "" for the top.
        beside: Keys that stand at the same place and were taken out before, such as "name"; errors list them.

    Raises:
        ConfigError: A value is missing or wrong; UnknownNameError for a key that the dataclass lacks.
        PluginError: If the dataclass itself cannot be understood.
    """
    from pydantic import TypeAdapter, ValidationError
    from pydantic.errors import PydanticUserError

    check_keys(config_type, plain, path, beside)
    try:
        # JSON is pydantic's only strict mode that takes lists for tuples and mappings for dataclasses.
        result: T = TypeAdapter(config_type).validate_json(json.dumps(plain, default=str), strict=True)
    except ValidationError as error:
        raise _first_error(error.errors(include_url=False), plain, path) from error
    except PydanticUserError as error:
        where = f"{config_type.__module__}.{config_type.__qualname__}"
        raise PluginError(f"the configuration class {where} is broken: {error}".splitlines()[0]) from error
    return result


def check_keys(
    config_type: type[Any], plain: Mapping[str, Any], path: str, beside: tuple[str, ...] = ()
) -> None:
    """Refuse keys that a dataclass, or one nested in it, does not have.

    Raises:
        UnknownNameError: Names the key with its path, the nearest key and all known ones.
    """
    names = [field.name for field in dataclasses.fields(config_type) if field.init]
    for key in plain:
        if key not in names:
            raise unknown_key(str(key), [*beside, *names], path)
    hints = hints_of(config_type)
    for key, value in plain.items():
        nested = nested_dataclass(hints[key])
        if nested is not None:
            for inner, inner_path in _mappings(value, hints[key], join(path, key)):
                check_keys(nested, inner, inner_path)


class UnknownKeyError(UnknownNameError):
    """A key that does not exist.

    Attributes:
        key: It, with its path.
        known: What to say of those that do.
    """

    def __init__(self, message: str, key: str = "", known: str = "") -> None:
        super().__init__(message)
        self.key, self.known = key, known

    def meaning(self, options: Sequence[str]) -> UnknownKeyError:
        """The same with the options that were probably meant, of which there must be one.

        An option of another group may just have the same name: those of the key's own are told too.
        """
        group = self.key.rpartition(".")[0]
        near = not group or any(option.startswith(f"{group}.") for option in options)
        hint = f"unknown key {self.key!r}; did you mean {' or '.join(map(repr, options))}?"
        return UnknownKeyError(hint if near else f"{hint} {self.known}", self.key, self.known)


def unknown_key(key: str, known: Iterable[str], path: str) -> UnknownKeyError:
    """The error for a key that does not exist at `path`: the nearest one that does, or else all.

    Example:
        >>> str(unknown_key("lrr", ["lr", "seed"], "stage"))
        "unknown key 'stage.lrr'; did you mean 'stage.lr'?"
    """
    names = list(dict.fromkeys(known))
    whole, of = join(path, key), f" of {path}" if path else ""
    told = f"Known keys{of}: {', '.join(names) or 'none'}"
    near = nearest(key, names)
    hint = f"; did you mean {join(path, near)!r}?" if near else f". {told}"
    return UnknownKeyError(f"unknown key {whole!r}{hint}", whole, told)


def join(path: str, key: object) -> str:
    """A key's path, such as "stage.lr"; at the top it is the key itself."""
    return f"{path}.{key}" if path else str(key)


def mapping(plain: Mapping[str, Any], key: str, path: str = "") -> Mapping[str, Any]:
    """The group of keys that stands at a key.

    Raises:
        ConfigError: There is none.
    """
    value = plain.get(key)
    if not isinstance(value, Mapping):
        raise ConfigError(f"{join(path, key)} is missing, or no group of keys: {value!r}")
    return value


def to_plain(value: Any) -> Any:
    """A dataclass as plain data: mappings, lists and scalars, fit for JSON and YAML.

    Example:
        >>> from r1light.config.schema import Recommended
        >>> to_plain(Recommended(iterations=3))
        {'iterations': 3, 'max_tokens': None, 'mask_truncated': None}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def hints_of(config_type: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields.

    Raises:
        PluginError: A type names what does not exist.
    """
    try:
        return get_type_hints(config_type)
    except NameError as error:
        where = f"{config_type.__module__}.{config_type.__qualname__}"
        raise PluginError(f"the configuration class {where} is broken: {error}") from error


def nested_dataclass(hint: Any) -> type[Any] | None:
    """The one dataclass in a type such as `Loss`, `Loss | None`, `list[Loss]` or `dict[str, Loss]`."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint
    found = [inner for inner in map(nested_dataclass, get_args(hint)) if inner is not None]
    return found[0] if len(found) == 1 else None


def _mappings(value: Any, hint: Any, path: str) -> list[tuple[Mapping[str, Any], str]]:
    """The mappings in a value that stand for the dataclass in its type."""
    if isinstance(value, list):
        return [(item, join(path, index)) for index, item in enumerate(value) if isinstance(item, Mapping)]
    if not isinstance(value, Mapping):
        return []
    origins = {get_origin(hint), *(get_origin(inner) for inner in get_args(hint))}
    if origins & {dict, Mapping}:
        return [(item, join(path, key)) for key, item in value.items() if isinstance(item, Mapping)]
    return [(value, path)]


def _first_error(errors: list[Any], plain: Mapping[str, Any], path: str) -> ConfigError:
    """One line for the first of pydantic's errors; those of a union's other members say no more."""
    error = errors[0]
    where = path
    value: Any = plain
    for part in error["loc"]:
        if (isinstance(value, Mapping) and part in value) or (
            isinstance(value, list) and isinstance(part, int)
        ):
            value = value[part]
        elif error["type"] == "missing":
            return ConfigError(f"{join(where, part)} is required; set {join(where, part)}=...")
        else:
            break  # the part names a member of a union
        where = join(where, part)
    if error["type"] in ("value_error", "assertion_error"):
        return ConfigError(f"{where}: {error['ctx']['error']}" if where else str(error["ctx"]["error"]))
    wanted = " or ".join(
        dict.fromkeys(
            other["msg"].removeprefix("Input should be ")
            for other in errors
            if other["loc"][: len(error["loc"]) - 1] == error["loc"][:-1] and _same_value(other, error)
        )
    )
    if wanted == "a valid array" and isinstance(value, str):
        wanted = f"a list, in brackets: {where}=[{value}]"
    return ConfigError(f"{where}={_shown(value)} must be {wanted}")


def _same_value(one: Any, other: Any) -> bool:
    return one is other or (len(one["loc"]) == len(other["loc"]) and one["input"] == other["input"])


def _shown(value: Any) -> str:
    """A value as on the command line; text in quotes, to tell '3' from 3."""
    return repr(value) if isinstance(value, str) else json.dumps(value, default=str)
