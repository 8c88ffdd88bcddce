"""What can go wrong, each also an exception of the standard library.

    R1LightError
    |-- UserError (exit code 2: the input is wrong, and one line says what, where and what would be right)
    |   |-- ConfigError (ValueError)        a key, a type or a value of the configuration
    |   |   `-- UnknownNameError            no component, stage or key of that name
    |   |-- DataError (ValueError)          rows that cannot be read, or none at all
    |   |-- ModelError (ValueError)         a model directory that cannot be used as asked
    |   |-- ResumeError (ValueError)        a checkpoint that is absent or belongs to another run
    |   `-- SandboxError (RuntimeError)     programs cannot be confined here as asked
    |-- PluginError (ImportError)           a registered component that does not import, or two of one name
    |-- RewardError (RuntimeError)          more reward errors than `reward.max_error_rate` allows
    |-- EngineError (RuntimeError)          a rollout engine that failed or went out of step with the policy
    |-- WorkerError (RuntimeError)          another process that died or missed its deadline
    `-- StorageError (OSError)              a file that could not be written whole

    Interrupted (KeyboardInterrupt)         a signal asked the run to end; never caught by `except Exception`

All of them survive pickling, as they cross process borders.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class R1LightError(Exception):
    """The root of what r1light raises on purpose."""

    exit_code = 1


class UserError(R1LightError):
    """The user's input is wrong; the message is the one line to show."""

    exit_code = 2


class ConfigError(UserError, ValueError):
    """A key, a type or a value of the configuration is wrong."""


class UnknownNameError(ConfigError):
    """Nothing of that name exists; the message lists what does."""


class DataError(UserError, ValueError):
    """A data source is empty, unreadable or holds broken rows."""


class ModelError(UserError, ValueError):
    """A model cannot be loaded or used as asked."""


class ResumeError(UserError, ValueError):
    """A checkpoint to resume from is absent, damaged or of another configuration."""


class SandboxError(UserError, RuntimeError):
    """Model-written programs cannot be confined here as asked; the message says why, and what to do."""


class PluginError(R1LightError, ImportError):
    """A registered component cannot be imported, or a name is taken twice."""


class RewardError(R1LightError, RuntimeError):
    """Rewards failed more often than `reward.max_error_rate` allows."""


class EngineError(R1LightError, RuntimeError):
    """A rollout engine failed, or its weights do not match the policy's."""


class WorkerError(R1LightError, RuntimeError):
    """Another process died, or did not answer before its deadline."""


class StorageError(R1LightError, OSError):
    """A file could not be written whole; what was there before is unharmed."""


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to end.

    Attributes:
        signum: The signal's number.
        exit_code: What the shell is told: 128 + signum, so 130 for SIGINT, 138 for SIGUSR1, 143 for SIGTERM.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
        self.exit_code = 128 + signum


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that nothing has, with the nearest that something has.

    Example:
        >>> str(unknown_name("reward", "acuracy", ["accuracy", "format"]))
        "unknown reward 'acuracy'; did you mean 'accuracy'? Known: accuracy, format"
    """
    names = sorted(known)
    near = nearest(name, names)
    hint = f"; did you mean {near!r}?" if near else "."
    return UnknownNameError(f"unknown {kind} {name!r}{hint} Known: {', '.join(names) or 'none'}")


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that was probably meant: a similar one, or one that begins with `name`.

    Example:
        >>> nearest("acc", ["accelerator", "devices"]), nearest("zzz", ["devices"])
        ('accelerator', None)
    """
    similar = difflib.get_close_matches(name, known, n=1)
    begun = [one for one in known if name and one.startswith(name)]
    return next(iter(similar + begun), None)
