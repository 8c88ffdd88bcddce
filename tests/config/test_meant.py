from dataclasses import dataclass, field

import pytest

from r1light.config.meant import ALSO_CALLED, meant
from r1light.config.schema import LoraSpec
from r1light.config.validate import validate
from r1light.core.errors import UnknownNameError
from r1light.stages import STAGES, stage_module


@dataclass(frozen=True)
class Loss:
    clip_low: float = 0.2
    clip_high: float = 0.2


@dataclass(frozen=True)
class Options:
    name: str = "it"
    lr: float = 0.1
    group_size: int = 8
    loss: Loss = field(default_factory=Loss)
    many: tuple[Loss, ...] = ()


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("stage.learning_rate", ["stage.lr"]),
        ("lr", ["stage.lr"]),
        ("stage.clip_high", ["stage.loss.clip_high"]),
        ("epsilon", ["stage.loss.clip_low", "stage.loss.clip_high"]),
        ("trainer.num_generations", ["stage.group_size"]),
        ("seed", ["seed", "other.seed"]),
        ("low", []),  # the end of a word is no word
        ("name", []),
        ("zzz", []),
    ],
)
def test_an_option_is_found_in_another_place_and_by_another_trainers_name(key, found):
    @dataclass
    class Seeded:
        seed: int = 0

    assert meant(key, {"": Seeded, "stage": Options, "other": Seeded, "bare": None}) == found


def test_every_other_name_leads_to_an_option_that_some_stage_has():
    types = {f"stage/{name}": getattr(stage_module(name), "Config", None) for name in STAGES}
    for name, ours in ALSO_CALLED.items():
        found = meant(name, types | {"model.lora": LoraSpec})
        for each in ours:
            assert any(key.endswith(f"{sep}{each}") for key in found for sep in "./"), (name, each)


def test_the_line_says_what_was_meant(plain, find_stage):
    plain["size"] = 3
    with pytest.raises(
        UnknownNameError, match=r"^unknown key 'size'; did you mean 'stage.size' or 'data.size'\?$"
    ):
        validate(plain, find_stage)
