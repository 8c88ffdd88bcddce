"""The graders that problems name, ready built."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.errors import unknown_name
from r1light.core.protocols import Grader
from r1light.core.registry import registry
from r1light.core.sandbox import SandboxConfig
from r1light.core.types import Problem

if TYPE_CHECKING:
    from r1light.sandbox.types import Sandbox


@dataclass(frozen=True, slots=True)
class Graders:
    """The graders that some problems need.

    Attributes:
        by_name: Those that were built.
        sandbox: Where those that run programs run them.
        options: By name, the options of graders that are not to have their defaults.
    """

    by_name: dict[str, Grader] = field(default_factory=dict)
    sandbox: SandboxConfig = field(default_factory=SandboxConfig)
    options: Mapping[str, Any] = field(default_factory=dict)

    def add(self, problems: Iterable[Problem]) -> None:
        """Build those that the problems name and that are not there yet.

        Raises:
            UnknownNameError: If a problem names one that there is not.
            SandboxError: If one runs programs, and they cannot be confined here.
        """
        graders = registry("graders")
        for problem in problems:
            name = problem.grader
            if name in self.by_name:
                continue
            if name not in {entry.name for entry in graders.entries()}:
                known = [entry.name for entry in graders.entries()]
                raise unknown_name(f"grader of problem {problem.id!r},", name, known)
            config_type = graders.config_type(name)
            options = self.options.get(name) or (config_type() if config_type else None)
            self.by_name[name] = graders.create(name, options, open_sandbox=self._open_sandbox)

    def close(self) -> None:
        """Free their workers."""
        for grader in self.by_name.values():
            grader.close()

    def _open_sandbox(self) -> Sandbox:
        from r1light.sandbox.box import open_sandbox

        return open_sandbox(self.sandbox, self.sandbox.workers or os.cpu_count() or 1)


def build_graders(config: RunConfig, problems: Iterable[Problem]) -> Graders:
    """The graders that the problems name.

    Raises:
        UnknownNameError: If a problem names one that there is not.
        SandboxError: If one runs programs, and they cannot be confined here.
    """
    graders = Graders(sandbox=config.sandbox)
    graders.add(problems)
    return graders
