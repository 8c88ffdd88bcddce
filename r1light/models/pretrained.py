"""`model=hf`: a Hugging Face directory, or a name on the hub, with its tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from r1light.core.collector import uncollected
from r1light.core.errors import ModelError
from r1light.models.hub import hub_or_cache
from r1light.models.quiet import quiet_transformers

UNLIMITED = 1 << 30
"""The context of a model that states none, in tokens."""

Dtype = Literal["float32", "bfloat16", "float16", "auto"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A causal language model with what belongs to it.

    Attributes:
        model: The transformers module, in evaluation mode.
        tokenizer: Its transformers tokenizer.
        eos_ids: Every id that ends a text: those of the generation config and the tokenizer's, ascending.
        context: The longest text, in tokens.
        path: Where it came from: a directory or a name on the hub.
    """

    model: Any
    tokenizer: Any
    eos_ids: tuple[int, ...]
    context: int
    path: str


@dataclass(frozen=True, slots=True)
class LoadedTokenizer:
    """A model's tokenizer without its weights.

    Attributes:
        tokenizer: The transformers tokenizer.
        context: The longest text of the model, in tokens.
    """

    tokenizer: Any
    context: int


class Pretrained:
    """Loads a model by its path: from the directory of that name if there is one, else from the hub."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Which model, and how it is held."""

        path: str = ""
        """A directory as `save_pretrained` writes it, or a name on the hub such as Qwen/Qwen2.5-3B."""
        revision: str | None = None
        """Branch, tag or commit on the hub; none takes the newest. A directory has none."""
        trust_remote_code: bool = False
        """Whether the model's own Python code may run on this machine."""
        dtype: Dtype = "float32"
        """Number format of the weights in memory; "auto" takes that of the files."""
        attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
        """The attention of transformers to use."""

        def __post_init__(self) -> None:
            if not self.path:
                raise ValueError("model.path must name a model directory or a model on the hub")

    def __init__(self, config: Config) -> None:
        self.config = config

    def load(self, device: str = "cpu") -> LoadedModel:
        """Read weights and tokenizer.

        Args:
            device: Where the weights go, as torch names it.

        Raises:
            ModelError: If there is no model, no tokenizer, or the weights do not fit the configuration.
        """
        return self._load(device, {})

    def _load(self, device: str, how: dict[str, Any]) -> LoadedModel:
        """Read weights and tokenizer; `how` are further words for transformers."""
        from safetensors import SafetensorError

        config = self.config
        path = _resolve(config.path)
        try:
            with uncollected(), quiet_transformers(), hub_or_cache(path):
                tokenizer, model, report = self._read(path, how)
        except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"cannot load the model {_told(config.path)}: {_first_line(error)}") from error
        absent = sorted([*report["missing_keys"], *(str(each) for each in report["mismatched_keys"])])
        if absent:
            raise ModelError(
                f"the model {config.path!r} lacks {len(absent)} weights of its architecture, such as "
                f"{absent[0]}; they would be random"
            )
        # Where the tokenizer's files are absent, transformers makes one that knows no text.
        if not tokenizer.encode("1", add_special_tokens=False):
            raise ModelError(f"the model {config.path!r} has no tokenizer files, such as tokenizer.json")
        return LoadedModel(
            model=model.to(device),
            tokenizer=tokenizer,
            eos_ids=_eos_ids(model, tokenizer),
            context=_context(model.config, tokenizer),
            path=path,
        )

    def load_quantized(self, device: str) -> LoadedModel:
        """Read weights into 4 bits (nf4, arXiv:2305.14314, with doubly quantised scales) on a GPU.

        What is multiplied with them is so in `dtype`; "auto" is bfloat16 here.

        Args:
            device: Where the weights go, as torch names it.

        Raises:
            ModelError: As `load`.
        """
        from transformers import BitsAndBytesConfig

        dtype = "bfloat16" if self.config.dtype == "auto" else self.config.dtype
        how = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
        return self._load(device, {"quantization_config": how, "device_map": {"": device}})

    def load_tokenizer(self) -> LoadedTokenizer:
        """Read the tokenizer and the context alone, without the weights.

        Raises:
            ModelError: If there is no model, or no tokenizer.
        """
        with uncollected():
            from transformers import AutoConfig, AutoTokenizer

        path = _resolve(self.config.path)
        options = self._options(path)
        try:
            with hub_or_cache(path):
                tokenizer = AutoTokenizer.from_pretrained(path, **options)
                stated = AutoConfig.from_pretrained(path, **options)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ModelError(
                f"cannot load the tokenizer of {_told(self.config.path)}: {_first_line(error)}"
            ) from error
        if not tokenizer.encode("1", add_special_tokens=False):
            raise ModelError(f"the model {self.config.path!r} has no tokenizer files, such as tokenizer.json")
        return LoadedTokenizer(tokenizer, _context(stated, tokenizer))

    def _options(self, path: str) -> dict[str, Any]:
        revision = self.config.revision
        options: dict[str, Any] = {"revision": revision} if revision and not Path(path).is_dir() else {}
        return options | {"trust_remote_code": self.config.trust_remote_code}

    def _read(self, path: str, how: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """Tokenizer, model and transformers' report on what it loaded."""
        from transformers import AutoModelForCausalLM, AutoTokenizer

        config, options = self.config, self._options(path)
        tokenizer = AutoTokenizer.from_pretrained(path, **options)
        model, report = AutoModelForCausalLM.from_pretrained(
            path,
            dtype=config.dtype,
            attn_implementation=config.attention,
            output_loading_info=True,
            **options,
            **how,
        )
        return tokenizer, model.eval(), report


def _resolve(path: str) -> str:
    """The directory of that name if there is one, else the name as the hub knows it."""
    local = Path(path).expanduser()
    if local.is_dir():
        if not (local / "config.json").is_file():
            inside = local / "model"
            hint = f"; did you mean {str(inside)!r}?" if (inside / "config.json").is_file() else ""
            raise ModelError(f"{path!r} is no model directory: it has no config.json{hint}")
        return str(local)
    if local.exists():
        raise ModelError(f"{path!r} is a file; a model is a directory with config.json and weights")
    if path.startswith(("/", ".", "~")) or path.count("/") > 1:
        raise ModelError(f"there is no model directory {path!r}")
    return path


def _told(path: str) -> str:
    return repr(path) if Path(path).expanduser().is_dir() else f"{path!r}, which is no directory here"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _eos_ids(model: Any, tokenizer: Any) -> tuple[int, ...]:
    stated = getattr(model.generation_config, "eos_token_id", None)
    ids = set(stated if isinstance(stated, (list, tuple)) else [stated]) | {tokenizer.eos_token_id}
    return tuple(sorted(int(each) for each in ids if each is not None))


def _context(config: Any, tokenizer: Any) -> int:
    stated = getattr(config.get_text_config(), "max_position_embeddings", None)
    # A tokenizer that knows no limit says 10**30.
    return min(
        int(stated or UNLIMITED), int(tokenizer.model_max_length) if not stated else UNLIMITED, UNLIMITED
    )
