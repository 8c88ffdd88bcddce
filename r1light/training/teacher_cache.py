"""A teacher's top-k log-probabilities on disk, so that it reads each row once, in this run and in others.

A folder of shards. Each is a safetensors file of the target tokens of consecutive rows, is written whole or
not at all, and says in its header what it was made of; so a run that is killed goes on behind the last one.

Shapes: S target tokens of a shard, K the top k.
"""

from __future__ import annotations

import hashlib
import json
import logging
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from r1light.algorithms.chunked_divergence import TopK, TopKTeacher, chunked_top_k
from r1light.core.errors import ConfigError, DataError
from r1light.core.progress import progress
from r1light.core.run_folder import write_atomic
from r1light.training.distill import RowBatch, row_batches
from r1light.training.forward import output_head, target_hidden
from r1light.training.sft import SftRow

SHARD_BYTES = 2**26
"""About how large a shard is; a kill loses at most the work of one."""

BYTES_A_TOKEN = 8
"""Of one of the top k: a float32 and an int32."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a cache was made of; two of one origin are one.

    Attributes:
        teacher: A hash of the teacher's weights.
        rows: A hash of the rows' ids and targets.
        top_k: Tokens kept.
        temperature: What the logits were divided by.
        vocabulary: The ids that the distribution is over.
    """

    teacher: str
    rows: str
    top_k: int
    temperature: float
    vocabulary: int

    def header(self) -> dict[str, str]:
        """As a safetensors header keeps it; one entry, as the format does not keep the order of several."""
        return {"origin": json.dumps(asdict(self))}

    def difference(self, header: Mapping[str, Any] | None) -> str:
        """In what the origin of a shard differs, in words; empty where it does not."""
        if header is None:
            return "nothing that can be read"
        words = {"teacher": "another teacher's weights", "rows": "other rows"}
        differing = [name for name, value in asdict(self).items() if header.get(name) != value]
        return ", ".join(words.get(name, f"{name}={header.get(name)}") for name in differing)


@dataclass(frozen=True, slots=True)
class _Shard:
    """A file and the rows whose tokens are in it."""

    path: Path
    rows: Sequence[SftRow]

    @property
    def tokens(self) -> int:
        """Target tokens, S."""
        return sum(row.targets for row in self.rows)


class TeacherCache:
    """The top k of a teacher at every target token of some rows.

    `fill` has the teacher read what is not there yet; after it, `tokens` reads from disk.
    """

    def __init__(self, folder: Path, origin: Origin, rows: Sequence[SftRow], beta: float) -> None:
        """Look at a folder.

        Args:
            folder: Where the shards stand, or will.
            origin: What they are made of.
            rows: The rows; those that are equal are read once.
            beta: Of the divergence that `tokens` is for.
        """
        self.folder = folder
        self.origin = origin
        self.beta = beta
        self._shards = list(_shards(folder, list(dict.fromkeys(rows)), origin.top_k))
        self._place: dict[SftRow, tuple[int, int]] = {}
        for index, shard in enumerate(self._shards):
            start = 0
            for row in shard.rows:
                self._place[row] = (index, start)
                start += row.targets
        self._open: dict[int, Any] = {}

    def check(self, *, rebuild: bool) -> None:
        """See to shards that were made of something else.

        Args:
            rebuild: Whether they may be deleted and made anew, which a line in the log says.

        Raises:
            ConfigError: They are there, and may not.
        """
        for path in sorted(self.folder.glob("shard-*.safetensors")):
            header = _header(path)
            difference = self.origin.difference(header)
            if not difference:
                continue
            if header is not None and not rebuild:
                raise ConfigError(
                    f"stage.cache={self.folder} is of {difference}; name another folder, or delete this one"
                )
            _log.warning("%s is of %s: it is made anew", path, difference)
            path.unlink()

    def fill(self, teacher: Any, max_tokens: int, device: torch.device | str) -> None:
        """Have the teacher read the rows whose shards are absent or damaged.

        Args:
            teacher: A frozen causal language model, in evaluation mode, on the device.
            max_tokens: The most tokens of a forward pass.
            device: Where it is.

        Raises:
            StorageError: If a shard cannot be written.
        """
        absent = [shard for shard in self._shards if not self._whole(shard)]
        if len(absent) < len(self._shards):
            there = len(self._shards) - len(absent)
            _log.info(
                "%d of %d shards of the teacher's top k are in %s", there, len(self._shards), self.folder
            )
        rows = sum(len(shard.rows) for shard in absent)
        with progress(max(rows, 1), "rows read by the teacher") as bar:
            for shard in absent:
                top = self._read_by(teacher, shard.rows, max_tokens, device)
                tensors = {"logprobs": top.logprobs_TK.float(), "ids": top.ids_TK.int()}
                write_atomic(shard.path, save(tensors, self.origin.header()))
                for _ in shard.rows:
                    bar.advance()

    def tokens(self, batch: RowBatch) -> TopKTeacher:
        """What the teacher says of the batch's target tokens.

        Raises:
            DataError: If a shard is gone.
        """
        found = [self._stored(row) for row in batch.rows]
        device = batch.tokens.target_K.device
        logprobs, ids = zip(*found, strict=True)
        top = TopK(torch.cat(logprobs).to(device), torch.cat(ids).to(device, torch.long))
        return TopKTeacher(top, self.beta)

    @torch.no_grad()
    def _read_by(
        self, teacher: Any, rows: Sequence[SftRow], max_tokens: int, device: torch.device | str
    ) -> TopK:
        """The top k of these rows' target tokens, in the order of the rows."""
        origin = self.origin
        found: dict[SftRow, tuple[torch.Tensor, torch.Tensor]] = {}
        head = output_head(teacher).first(origin.vocabulary)
        for batch in row_batches(rows, max_tokens, device, packed=False):
            hidden_KH = target_hidden(teacher, batch.tokens)
            top = chunked_top_k(hidden_KH, head, origin.top_k, temperature=origin.temperature)
            lengths = [row.targets for row in batch.rows]
            logprobs, ids = (torch.split(each.cpu(), lengths) for each in (top.logprobs_TK, top.ids_TK))
            parts = zip(logprobs, ids, strict=True)
            found |= dict(zip(batch.rows, parts, strict=True))
        return TopK(torch.cat([found[row][0] for row in rows]), torch.cat([found[row][1] for row in rows]))

    def _stored(self, row: SftRow) -> tuple[torch.Tensor, torch.Tensor]:
        index, start = self._place[row]
        shard = self._shards[index]
        try:
            if index not in self._open:
                self._open[index] = safe_open(shard.path, framework="pt")
            end = start + row.targets
            file = self._open[index]
            return file.get_slice("logprobs")[start:end], file.get_slice("ids")[start:end]
        except (OSError, SafetensorError) as error:
            raise DataError(f"{shard.path} cannot be read any more: {error}; start the run again") from error

    def _whole(self, shard: _Shard) -> bool:
        """Whether a shard is there with all its tokens."""
        if self.origin.difference(_header(shard.path)):
            return False
        with safe_open(shard.path, framework="pt") as file:
            shape: list[int] = file.get_slice("logprobs").get_shape()
        return shape == [shard.tokens, self.origin.top_k]


def _shards(folder: Path, rows: Sequence[SftRow], top_k: int) -> Iterator[_Shard]:
    """Rows cut into shards of about SHARD_BYTES."""
    room = SHARD_BYTES // (BYTES_A_TOKEN * top_k)
    number, tokens = 0, 0
    start = 0
    for index, row in enumerate(rows):
        if tokens and tokens + row.targets > room:
            yield _Shard(folder / f"shard-{number:06d}.safetensors", rows[start:index])
            number, tokens, start = number + 1, 0, index
        tokens += row.targets
    if tokens:
        yield _Shard(folder / f"shard-{number:06d}.safetensors", rows[start:])


def _header(path: Path) -> Mapping[str, Any] | None:
    """What a shard says of itself; None where it is absent or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            found = json.loads((file.metadata() or {}).get("origin", "{}"))
    except (OSError, SafetensorError, json.JSONDecodeError):
        return None
    return found if isinstance(found, dict) else {}


def weights_hash(model: Any) -> str:
    """A hash of a model's weights: names, shapes, formats and values."""
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()[:32]


def rows_hash(rows: Sequence[SftRow]) -> str:
    """A hash of the rows' ids and targets, in their order."""
    found = hashlib.sha256()
    for row in rows:
        found.update(struct.pack("<q", len(row.input_ids)))
        found.update(struct.pack(f"<{len(row.input_ids)}q", *row.input_ids))
        found.update(bytes(row.target))
    return found.hexdigest()[:32]
