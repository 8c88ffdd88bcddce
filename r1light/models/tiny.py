"""`model=tiny` and `model=tiny_student`: the miniature models that ship with the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from r1light.core.errors import ModelError
from r1light.models.pretrained import Dtype, LoadedModel, LoadedTokenizer, Pretrained

WEIGHTS = Path(__file__).parent / "weights"
"""Where the packaged models stand, a Hugging Face directory each."""


class Tiny:
    """The miniature base model: Qwen2 architecture, half precision on disk, computed with in float32."""

    directory = "tiny"

    @dataclass(frozen=True, slots=True)
    class Config:
        """Which weights, and how they are held."""

        path: str | None = None
        """Another directory in place of the packaged one, such as one that `stage=base` made."""
        dtype: Dtype = "float32"
        """Number format of the weights in memory; on a CPU float32 is by far the fastest."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def load(self, device: str = "cpu") -> LoadedModel:
        """Read weights and tokenizer.

        Args:
            device: Where the weights go, as torch names it.

        Raises:
            ModelError: If the directory is absent or holds no model.
        """
        return self._pretrained().load(device)

    def load_tokenizer(self) -> LoadedTokenizer:
        """Read the tokenizer and the context alone.

        Raises:
            ModelError: If the directory is absent or holds no model.
        """
        return self._pretrained().load_tokenizer()

    def _pretrained(self) -> Pretrained:
        path = self.config.path or str(WEIGHTS / self.directory)
        if self.config.path is None and not (WEIGHTS / self.directory).is_dir():
            raise ModelError(
                f"the packaged model {self.directory!r} is absent from {WEIGHTS}; install r1light again, or "
                "build one with `python -m r1light stage=base` and give it as model.path"
            )
        return Pretrained(Pretrained.Config(path=path, dtype=self.config.dtype))


class TinyStudent(Tiny):
    """The miniature student base, for distillation: at most a third of the base's parameters."""

    directory = "tiny_student"
