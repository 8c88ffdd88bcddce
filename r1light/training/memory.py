"""What training takes of a device's memory, part by part: formulas over a model's shape and a run's sizes.

A run learns and writes by turns. What it holds all the time (weights, moments, the engine's copy) is counted
once; of what either phase adds (a cache of keys and values; gradients and activations) the larger one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from r1light.models.sizes import ModelSize

LAYER_BYTES = 34
"""Bytes of activations a token, a layer and a number of the hidden width, in 16 bits (arXiv:2205.05198,
eq. 1, without the scores of attention); for models whose layers are not known."""

SLOT_BYTES = 28
"""Bytes a slot and a token of the vocabulary while the next token is drawn: logits, log-probabilities and
weights in 32 bits, their sums and what they are searched in in 64 bits."""
RECORDED_BYTES = 8
"""The same of a recorded step: logits in 32 bits, which kernels draw from, or their log-probabilities too."""
WORKSPACE_BYTES = 2**25
"""What torch gives cuBLAS to work in on Hopper; other GPUs have less."""

NF4_BYTES = 4.127 / 8
"""Bytes of a weight in 4 bits, its share of the doubly quantised scales with it (arXiv:2305.14314, 3)."""
ADAPTER_BYTES = 4
"""Adapters are held in 32 bits, whatever the model is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What memory hangs on.

    Attributes:
        size: The model; of several devices, the share of parameters that one holds.
        number: Bytes of a number that the model computes with, and of a weight unless `quantized`.
        precision: Lightning's name: "32-true", "bf16-mixed" and the like.
        trained: Weights that have a gradient and two moments; fewer than all are adapters.
        quantized: Whether the weights are held in 4 bits.
        tokens: Tokens of a forward and backward pass; 0 where nothing is learnt.
        seen: Tokens that an attention mask has for each token of that pass; 0 where there is none.
        checkpointing: Whether activations are computed again in the backward pass.
        chunk: Logits of a chunk.
        kept: The most logits that are kept for the backward pass.
        reference: Whether there is a reference.
        engine_number: Bytes of a number of the engine's weights and cache; 0 where nothing is written.
        shares_weights: Whether the engine writes with the policy itself.
        slots: Completions written at a time.
        longest: Tokens of the longest text that is written.
        packed: Whether the engine holds its weights once more, as compiled steps read them.
        graphs: Whether steps of writing are recorded as CUDA graphs.
        offload: What lies in the host's memory while completions are written.
    """

    size: ModelSize
    number: int
    precision: str
    trained: float
    quantized: bool = False
    tokens: int = 0
    seen: int = 0
    checkpointing: bool = False
    chunk: int = 0
    kept: int = 0
    reference: bool = False
    engine_number: int = 0
    shares_weights: bool = False
    slots: int = 0
    longest: int = 0
    packed: bool = False
    graphs: bool = False
    offload: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes of each part, by its name.

    Attributes:
        always: What is held in both phases.
        writing: What is held besides while completions are written.
        learning: What is held besides in an update.
    """

    always: Mapping[str, float] = field(default_factory=dict)
    writing: Mapping[str, float] = field(default_factory=dict)
    learning: Mapping[str, float] = field(default_factory=dict)

    @property
    def peak(self) -> float:
        """Bytes at the worst moment."""
        return _total(self.always) + max(_total(self.writing), _total(self.learning))

    @property
    def state(self) -> float:
        """Bytes of weights, gradients and moments: no option of batches makes them less."""
        everything = {**self.always, **self.learning}
        return sum(everything.get(name, 0.0) for name in ("weights", "gradients", "moments"))

    def parts(self) -> dict[str, float]:
        """All parts, the largest first."""
        everything = {**self.always, **self.writing, **self.learning}
        return dict(sorted(everything.items(), key=lambda part: -part[1]))


def estimate(use: Use) -> Estimate:
    """Bytes of a run, part by part.

    Not counted: what libraries take, prompts being read, fragments of an allocator, and a second copy of
    the weights where a checkpoint is written.
    """
    size = use.size
    always: dict[str, float] = {}
    writing: dict[str, float] = {}
    learning: dict[str, float] = {}

    def put(name: str, of: str, taken: float) -> None:
        """Parts that are offloaded are there in updates alone."""
        (learning if of in use.offload else always)[name] = taken

    put("weights", "policy", (NF4_BYTES if use.quantized else use.number) * size.parameters)
    if use.trained:
        number = use.number if use.trained >= size.parameters else ADAPTER_BYTES
        learning["gradients"] = number * use.trained
        put("moments", "optimizer", 2 * number * use.trained)
    if use.reference:
        put("reference", "reference", use.number * size.parameters)
    if use.tokens:
        learning["activations"] = activations(use)
        learning["logits"] = 4.0 * logits(use)
    if use.engine_number:
        if not use.shares_weights:
            always["engine's weights"] = (1 + use.packed) * use.engine_number * size.parameters
        cache = float(use.slots * use.longest * size.cache * use.engine_number)
        # a cache is kept for the next iteration, unless memory is asked back; so are graphs
        kept = writing if use.offload or not use.tokens else always
        kept["keys and values"] = cache
        if use.graphs:
            kept["graphs"] = writing["recording"] = recorded_step(use)
        writing["drawing"] = float(SLOT_BYTES * use.slots * (size.vocabulary or 0))
    return Estimate(always, writing, learning)


def activations(use: Use) -> float:
    """Bytes that a pass keeps for its backward pass, and of one layer what its gradients take.

    A norm keeps its input, that divided by its length, and its output; in mixed precision all in 32 bits, and
    the output in 16 once more, as every weight is. Where activations are computed again, the input of each
    layer stays, and one layer is whole.
    """
    size, short = use.size, use.precision.startswith(("bf16", "16"))
    mixed = use.precision.endswith("-mixed")
    number = 2 if short else 4
    if size.inner is None:
        layer = float(LAYER_BYTES * size.hidden * (1 if short else 2))
    else:
        norms = 28 if mixed else 16 if short else 24
        layer = float(norms * size.hidden + number * size.inner)
    stream = size.hidden * (number if not mixed else 4)
    kept = size.layers * stream + layer if use.checkpointing else size.layers * layer
    whole = 1 if use.checkpointing else size.layers
    casts = 2 * size.parameters * whole / size.layers if mixed else 0.0
    mask = use.tokens * min(use.seen, use.tokens) * (1 + number * whole)
    return use.tokens * (kept + layer) + casts + mask


def recorded_step(use: Use) -> float:
    """Bytes of what a recorded step makes, in the pool of all graphs; as many again while it is recorded.

    A step of all slots comes first, and what it has let go is enough for the steps of fewer rows. It holds
    of one layer what a norm takes and gives, and no more than is kept of it for a backward pass. Before it
    is recorded it is done once outside the pool, and a recording frees nothing of that.
    """
    size = use.size
    layer = use.engine_number * (2 * size.hidden + (size.inner or 0))
    return float(use.slots * (RECORDED_BYTES * (size.vocabulary or 0) + layer) + WORKSPACE_BYTES)


def logits(use: Use) -> float:
    """Numbers of logits at a time: those that are kept, and of one chunk what its gradients take."""
    whole = use.tokens * (use.size.vocabulary or 0)
    return float(min(whole, use.kept) + min(whole, 4 * use.chunk))


def _total(parts: Mapping[str, float]) -> float:
    return sum(parts.values())
