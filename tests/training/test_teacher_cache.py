"""The teacher's top k on disk: what it says, that it is read once, and that no other's is taken for it."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from safetensors import safe_open

from r1light.core.errors import ConfigError, DataError
from r1light.training import teacher_cache
from r1light.training.distill import DistillObjective, LiveTeacher, row_batches
from r1light.training.teacher_cache import Origin, TeacherCache, rows_hash, weights_hash


@pytest.fixture
def small_shards(monkeypatch):
    """Room for 10 target tokens a shard: of the rows' 4, 1, 9, 5, 8, 1 targets, [4, 1], [9], [5], [8, 1]."""
    monkeypatch.setattr(teacher_cache, "SHARD_BYTES", 10 * 5 * teacher_cache.BYTES_A_TOKEN)


class World:
    """Student and teacher in float32, the rows, and what a cache of them is made of."""

    def __init__(self, pair, rows, folder):
        self.student, self.teacher = (copy.deepcopy(model).float() for model in pair)
        self.rows, self.folder = rows, folder
        self.origin = Origin(weights_hash(self.teacher), rows_hash(rows), 5, temperature=1.3, vocabulary=48)

    def cache(self, beta=0.0, texts=None, **changes):
        origin = dataclasses.replace(self.origin, **changes)
        return TeacherCache(self.folder, origin, texts or self.rows, beta)

    def filled(self, beta=0.0, texts=None, **changes):
        cache = self.cache(beta, texts, **changes)
        cache.fill(self.teacher, 30, "cpu")
        return cache

    def loss(self, teacher, rows=None):
        objective = DistillObjective(teacher, 48, 1.3, 30, packed=False)
        batches = objective.micro_batches(rows or self.rows, "cpu")
        return sum(float(objective(self.student, batch).loss.detach()) for batch in batches)


@pytest.fixture
def world(pair, taught_rows, tmp_path):
    return World(pair, taught_rows, tmp_path)


def refuse(*arguments, **named):
    raise AssertionError("the teacher reads again")


@pytest.mark.usefixtures("small_shards")
def test_the_whole_vocabulary_on_disk_is_the_teacher_itself(world):
    cached = world.filled(beta=0.4, top_k=48)
    live = LiveTeacher(world.teacher, 48, 0.4, 1.3)
    # equal up to rounding in float32, and to the floor of 1e-13 under what is outside all 48 tokens
    assert world.loss(cached) == pytest.approx(world.loss(live), rel=1e-4)


@pytest.mark.usefixtures("small_shards")
def test_a_row_finds_its_own_tokens_in_any_batch(world):
    cache = world.filled()
    names = sorted(path.name for path in world.folder.iterdir())
    assert names == [f"shard-{number:06d}.safetensors" for number in range(4)]
    for each in (world.rows[3], world.rows[5], world.rows[0]):
        (batch,) = row_batches([each], 100, "cpu", packed=False)
        logits = world.teacher(torch.tensor([each.input_ids])).logits[0, :, :48]
        whole = torch.log_softmax(logits / 1.3, dim=-1)
        wanted = whole[torch.tensor((*each.target[1:], False))].topk(5)
        found = cache.tokens(batch).top
        torch.testing.assert_close(found.logprobs_TK, wanted.values, atol=1e-5, rtol=0)
        assert torch.equal(found.ids_TK, wanted.indices)


@pytest.mark.usefixtures("small_shards")
def test_it_is_read_once_and_a_killed_run_goes_on(world, monkeypatch):
    world.filled()
    shards = sorted(world.folder.iterdir())
    before = [shard.read_bytes() for shard in shards]
    read = []
    original = TeacherCache._read_by

    def spy(self, teacher, rows, *rest):
        read.append(list(rows))
        return original(self, teacher, rows, *rest)

    monkeypatch.setattr(TeacherCache, "_read_by", spy)
    world.filled()
    assert read == []
    shards[2].unlink()  # killed behind the second shard; and of the last one a part was lost
    shards[3].write_bytes(before[3][:-8])
    cache = world.cache()
    cache.check(rebuild=False)  # a damaged shard is no other's
    cache.fill(world.teacher, 30, "cpu")
    assert read == [world.rows[3:4], world.rows[4:6]]
    assert [shard.read_bytes() for shard in shards] == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"teacher": "0" * 32}, "another teacher's weights"),
        ({"rows": "0" * 32}, "other rows"),
        ({"top_k": 4}, "top_k=5"),
        ({"temperature": 1.0, "vocabulary": 40}, "temperature=1.3, vocabulary=48"),
    ],
)
def test_what_another_made_is_refused_or_made_anew(world, caplog, change, words):
    world.filled()
    (shard,) = world.folder.iterdir()
    other = world.cache(**change)
    with pytest.raises(ConfigError, match=f"stage.cache={world.folder} is of {words}; name another folder"):
        other.check(rebuild=False)
    assert shard.exists()
    other.check(rebuild=True)
    assert f"{shard} is of {words}: it is made anew" in caplog.text
    assert not shard.exists()


def test_equal_rows_are_read_once(world):
    row = world.rows[0]
    cache = world.filled(texts=[row, world.rows[1], row])
    assert world.loss(cache, [row, row]) == pytest.approx(2 * world.loss(cache, [row]), rel=1e-6)
    with safe_open(next(world.folder.iterdir()), framework="pt") as file:
        assert file.get_slice("ids").get_shape() == [4 + 1, 5]


def test_a_shard_that_goes_missing_is_named(world):
    cache = world.filled()
    (shard,) = world.folder.iterdir()
    shard.unlink()
    with pytest.raises(DataError, match=f"{shard} cannot be read any more"):
        world.loss(cache)


def test_hashes_tell_weights_and_targets_apart(pair, make_qwen2, taught_rows):
    assert weights_hash(pair[0]) == weights_hash(make_qwen2(0))
    assert weights_hash(pair[0]) != weights_hash(make_qwen2(2))
    more = dataclasses.replace(taught_rows[0], target=(False, *[True] * 8))
    assert rows_hash(taught_rows[:1]) != rows_hash([more])
    assert rows_hash(taught_rows[:2]) != rows_hash(taught_rows[1::-1])
