"""r1light: the DeepSeek-R1 recipe as a modular Lightning trainer."""

from __future__ import annotations

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Read the version only when it is asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("r1light")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
