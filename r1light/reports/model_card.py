"""model/README.md: what a trained model is, in the form of the hub's model cards.

It says nothing that differs from one machine or one day to the next: a run that repeats has the same card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from r1light.core.manifest import read_manifest
from r1light.core.masking import mask
from r1light.core.run_folder import RunFolder, write_atomic
from r1light.reports.axes import number_text
from r1light.reports.card_usage import usage
from r1light.reports.changes import changes, label
from r1light.reports.run_files import read_run

CARD = "README.md"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_ABSOLUTE = re.compile(r"(?<![\w.:/-])(?:file://)?([/~][\w./~-]+)")
_LICENCES = {
    r"Qwen/Qwen2\.5-(\w+-)?(3B|72B)": "other",
    r"Qwen/Qwen(2\.5|3)-": "apache-2.0",
    r"meta-llama/Llama-3\.1-": "llama3.1",
    r"meta-llama/Llama-3\.3-": "llama3.3",
    r"HuggingFaceTB/SmolLM": "apache-2.0",
    r"tiny(_student)?$": "apache-2.0",
}
"""How bases' names begin, and their licences as the hub calls them; the first that fits counts."""
_RECIPE = {
    "grpo": (
        "algorithm iterations prompts_per_iteration group_size minibatches inner_epochs max_tokens "
        "temperature lr lr_schedule reference_reset_updates preference_updates"
    ),
    "sft": "epochs batch_size lr lr_schedule lr_floor max_length packed",
    "distill": (
        "mode teacher beta temperature epochs iterations batch_size lr lr_schedule lr_floor max_length packed"
    ),
    "reward_model": "head epochs batch_size lr lr_schedule max_length",
}
"""The options of each stage that a card names."""
_VERSIONS = ("r1light", "torch", "transformers")


def write_model_card(folder: RunFolder, prompt: str | None) -> None:
    """Write the card of a run's model, from the run's other files.

    Args:
        folder: The run folder, with its model and its result.
        prompt: A prompt as the model was trained on them, to show how it is used; "" where only the user
            knows what they look like, None where they are made by the tokenizer's chat template.

    Raises:
        StorageError: If it cannot be written.
    """
    write_atomic(folder.model / CARD, model_card(folder, prompt).encode())


def model_card(folder: RunFolder, prompt: str | None) -> str:
    """The text of the card."""
    config = mask(yaml.safe_load(folder.config.read_text("utf-8"))) if folder.config.is_file() else {}
    run = read_run(folder)
    base = _Base(config.get("model") or {})
    front = yaml.safe_dump(_front_matter(config, run.stage, base), sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{front}---",
        "# Model card",
        f"Trained by r1light, `stage={run.stage}`, from {base.shown}.",
        "## Data\n\n" + _table(("option", "value"), _data(config)),
        "## Recipe\n\n" + _table(("option", "value"), _recipe(config, run.stage, read_manifest(folder))),
        "## Results\n\n" + _results(run.metrics),
        "## How to use it\n\n" + usage(run.stage, prompt, (config.get("stage") or {}).get("max_tokens")),
        "## Licence\n\n" + _licence(base),
    ]
    return "\n\n".join(parts) + "\n"


class _Base:
    """The model that was trained on.

    Attributes:
        shown: Its name for people.
        hub: Its name on the hub; None for a directory.
        licence: Its licence in the hub's words; None where it is not known.
    """

    def __init__(self, model: Mapping[str, Any]) -> None:
        path, name = model.get("path"), str(model.get("name") or "a model")
        self.hub: str | None = None
        self.licence = _known_licence(name if path is None else str(path))
        self.shown = f"{_text(name)}, a base model of the package" if path is None else _text(path)
        if path is not None and Path(path).is_dir():
            inherited = _front_of(Path(path) / CARD)
            self.hub, self.licence = inherited.get("base_model"), inherited.get("license")
        elif path is not None and _HUB_NAME.fullmatch(str(path)):
            self.hub = str(path)


def relative(value: object) -> str:
    """A path without what only this machine has: from the working directory, or its last part.

    Example:
        >>> relative("/somewhere/else/model"), relative("Qwen/Qwen2.5-3B"), relative("runs/a/model")
        ('model', 'Qwen/Qwen2.5-3B', 'runs/a/model')
    """
    path = Path(str(value)).expanduser()
    if not path.is_absolute():
        return str(value)
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.name


def _known_licence(name: str) -> str | None:
    return next((licence for begin, licence in _LICENCES.items() if re.match(begin, name)), None)


def _front_of(card: Path) -> Mapping[str, Any]:
    """The front matter of another card; nothing where there is none that can be read."""
    try:
        found = re.match(r"---\n(.*?\n)---\n", card.read_text("utf-8"), re.DOTALL)
        front = yaml.safe_load(found[1]) if found else None
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return front if isinstance(front, dict) else {}


def _front_matter(config: Mapping[str, Any], stage: str, base: _Base) -> dict[str, Any]:
    algorithm = (config.get("stage") or {}).get("algorithm")
    languages = sorted(_languages(config.get("data")))
    front: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "text-classification" if stage == "reward_model" else "text-generation",
        "tags": ["r1light", stage, *([algorithm] if algorithm not in (None, stage) else [])],
    }
    front |= {"base_model": base.hub} if base.hub else {}
    front |= {"license": base.licence} if base.licence else {}
    return front | ({"language": languages} if languages else {})


def _languages(value: Any) -> Iterator[str]:
    """The languages that the data ask for, each once."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "language" and isinstance(item, str) and re.fullmatch(r"[a-z]{2}", item):
                yield item
            else:
                yield from set(_languages(item))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, object]]:
    """Dotted keys and values, those that are set."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif value not in (None, [], False, ""):
        yield path, value


def _data(config: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in _leaves(config.get("data") or {}, "data"):
        if not key.startswith("data.recommended"):
            yield key, value


def _recipe(
    config: Mapping[str, Any], stage: str, manifest: Mapping[str, Any]
) -> Iterator[tuple[str, object]]:
    options = config.get("stage") or {}
    yield "stage", stage
    for name in _RECIPE.get(stage, "").split():
        if options.get(name) is not None:
            yield f"stage.{name}", options[name]
    yield from _leaves(options.get("loss") or {}, "stage.loss")
    adapters = (config.get("model") or {}).get("lora") or {}
    if adapters.get("rank"):
        yield from _leaves(adapters, "model.lora")
    if stage == "grpo":
        for name, reward in ((config.get("reward") or {}).get("components") or {}).items():
            yield f"reward.components.{name}.weight", (reward or {}).get("weight", 1.0)
        yield "template", (config.get("template") or {}).get("name")
    yield "seed", config.get("seed")
    for name in _VERSIONS:
        if name in manifest.get("versions", {}):
            yield name, manifest["versions"][name]


def _results(metrics: Mapping[str, float]) -> str:
    """Before and after, with intervals of 1.96 standard errors where those are known."""
    rows = [
        (label(each.name), _with_error(each.before, each.before_stderr, each.percent),
         _with_error(each.after, each.after_stderr, each.percent))
        for each in changes(metrics)
    ]  # fmt: skip
    if not rows:
        return "Nothing was held out to measure it on."
    note = "On problems or rows that were held out; ± is 1.96 standard errors over them, for one run."
    return f"{_table(('held out', 'before', 'after'), rows)}\n\n{note}"


def _with_error(value: float, stderr: float | None, percent: bool) -> str:
    text = number_text(value, percent=percent)
    return text if not stderr else f"{text} ± {number_text(1.96 * stderr, percent=percent)}"


def _licence(base: _Base) -> str:
    if base.licence is None:
        return "That of the base model, which is not known here."
    return f"That of the base model: `{base.licence}`. What the data ask for is not known here."


def _table(heads: tuple[str, ...], rows: Iterator[tuple[object, ...]] | list[tuple[str, str, str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(_text(cell) for cell in row) + " |" for row in rows)])


def _text(value: object) -> str:
    """A value in a line of Markdown: no markup, no line ends, no path of this machine."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{_text(key)}: {_text(item)}" for key, item in value.items())
    text = str(value)
    text = (
        relative(text) if text.startswith(("/", "~")) else _ABSOLUTE.sub(lambda path: relative(path[1]), text)
    )
    return re.sub(r"([\\|<>*`\[\]])", r"\\\1", " ".join(text.split()))
