"""Decode steps on a CPU by step.c, which the machine's C compiler builds for a model's shape.

Building takes less than a second, once a process and shape; nothing is kept on disk. B rows, I inputs,
O outputs, V vocabulary.
"""

from __future__ import annotations

import ctypes
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
from ctypes import c_float, c_int, c_int64, c_void_p
from functools import cache as cached
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from r1light.rollout.native.decoder import Decoder

logger = logging.getLogger(__name__)

OPTIONS = (
    "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC",
    "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math",  # not finite-math
)  # fmt: skip
BUILD_SECONDS = 120.0


class _Linear(ctypes.Structure):
    _fields_ = (("panels", c_void_p), ("biases", c_void_p), ("inputs", c_int64), ("outputs", c_int64))


class _Layer(ctypes.Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("input_norm", "query_norm", "key_norm", "post_norm")),
        *((name, _Linear) for name in ("qkv", "out", "gate", "up", "down")),
        ("window", c_int64),
    )


class _Model(ctypes.Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("embed", "rotary", "norm")),
        ("layers", ctypes.POINTER(_Layer)),
        ("head", _Linear),
        *((name, c_int64) for name in ("count", "hidden", "kv_heads")),
        ("eps", c_float),
    )


class _Cache(ctypes.Structure):
    _fields_ = (("numbers", c_void_p), *((name, c_int64) for name in ("layer", "kind", "row", "head")))


class _Panels:
    """A projection's weights as step.c reads them."""

    def __init__(self, weight: Tensor, bias: Tensor | None, width: int) -> None:
        """Make room.

        Args:
            weight: [O, I], a view of what will be packed.
            bias: [O].
            width: Outputs that are computed together.
        """
        self._weight = weight
        self._bias = bias
        outputs, inputs = weight.shape
        self._panels = weight.new_empty(-(-outputs // width), inputs, width)
        self._biases = weight.new_zeros(len(self._panels) * width)

    def pack(self) -> None:
        """Read the weights as they are now."""
        panels, inputs, width = self._panels.shape
        missing = panels * width - len(self._weight)
        padded = F.pad(self._weight, (0, 0, 0, missing)) if missing else self._weight
        self._panels.copy_(padded.view(panels, width, inputs).transpose(1, 2))
        if self._bias is not None:
            self._biases[: len(self._bias)] = self._bias

    def pointers(self) -> _Linear:
        """What step.c is told."""
        outputs, inputs = self._weight.shape
        return _Linear(_at(self._panels), _at(self._biases), inputs, outputs)


class CompiledStep:
    """`Decoder.step` of a float32 decoder on a CPU; takes the decoder's place wherever that is called."""

    def __init__(self, decoder: Decoder, library: ctypes.CDLL) -> None:
        """Make room for packed weights.

        Args:
            decoder: The model.
            library: Of `built_for`.
        """
        self._decoder = decoder
        self._run = library.step
        self._run.restype = None
        self._run.argtypes = (c_void_p, c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p, c_int)
        self._packed: list[_Panels] = []
        weights, arch = decoder.weights, decoder.arch
        self._layers = (_Layer * arch.layers)()
        width = library.panel_width()

        def packed(weight: Tensor, bias: Tensor | None) -> _Linear:
            self._packed.append(_Panels(weight, bias, width))
            return self._packed[-1].pointers()

        for index, layer in enumerate(weights.layers):
            both, biases = layer.gate_up, layer.gate_up.bias
            gate, up = both.weight.chunk(2)
            of_gate, of_up = (None, None) if biases is None else biases.chunk(2)
            norms = layer.input_norm, layer.q_norm, layer.k_norm, layer.post_norm
            self._layers[index] = _Layer(
                *map(_at, norms),
                packed(layer.qkv.weight, layer.qkv.bias),
                packed(layer.out.weight, layer.out.bias),
                packed(gate, of_gate),
                packed(up, of_up),
                packed(layer.down.weight, layer.down.bias),
                arch.windows[index] or 0,
            )
        head = packed(weights.head.weight, weights.head.bias)
        self._model = _Model(
            _at(weights.embed), None, _at(weights.norm), self._layers, head,
            arch.layers, arch.hidden, arch.kv_heads, arch.eps,
        )  # fmt: skip
        self._row_numbers = 2 * arch.hidden + arch.intermediate
        self._row_numbers += (arch.heads + arch.fused_heads) * arch.head_dim
        self.refresh()

    def refresh(self) -> None:
        """Take note of new contents of the decoder's weights."""
        for each in self._packed:
            each.pack()

    def __call__(self, tokens_B: Tensor, positions_B: Tensor, length: int, cache: Tensor) -> Tensor:  # noqa: ARG002
        """See `Decoder.step`."""
        rows, arch = len(tokens_B), self._decoder.arch
        self._model.rotary = _at(self._decoder.rotary_LD2)
        layer, kind, row, head = cache.stride()[:4]
        scratch = torch.empty(rows * self._row_numbers)
        logits_BV = torch.empty(rows, arch.vocabulary)
        self._run(
            ctypes.byref(self._model), _at(tokens_B), _at(positions_B), rows,
            ctypes.byref(_Cache(_at(cache), layer, kind, row, head)), _at(scratch), _at(logits_BV),
            torch.get_num_threads(),
        )  # fmt: skip
        return logits_BV


def compiled_step(decoder: Decoder) -> CompiledStep | None:
    """A decoder's steps, compiled; None where step.c is not for it, or, with a line in the log, not built."""
    embed, arch = decoder.weights.embed, decoder.arch
    if embed.device.type != "cpu" or embed.dtype is not torch.float32:
        return None
    library = built_for(arch.head_dim, arch.heads // arch.kv_heads)
    return None if library is None else CompiledStep(decoder, library)


@cached
def built_for(width: int, sharing: int) -> ctypes.CDLL | None:
    """Build and load step.c, once a process.

    Args:
        width: D, of a head.
        sharing: G, query heads a key/value head.
    """
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if shutil.which(compiler[0]) is None:
        logger.info(
            "there is no C compiler %r: completions are written by torch's operations, which is slower",
            compiler[0],
        )
        return None
    source = resources.files("r1light.rollout.native") / "step.c"
    with resources.as_file(source) as path, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "step.so"
        shape = (f"-DD={width}", f"-DG={sharing}")
        command = [*compiler, *OPTIONS, *shape, "-o", str(target), str(path), "-lm"]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=BUILD_SECONDS)
            return ctypes.CDLL(str(target))
        except (subprocess.SubprocessError, OSError) as error:
            told = getattr(error, "stderr", None) or str(error)
            logger.warning(
                "%s cannot build the engine's steps: completions are written by torch's operations, which is "
                "slower; name another compiler in CC, or say rollout.compiled=false. %s",
                compiler[0],
                next((line for line in told.splitlines() if "error" in line), told.strip()[:200]),
            )
            return None


def _at(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
