import dataclasses
import subprocess
import sys

import pytest

from r1light.algorithms.presets import PRESETS, PolicyLossOptions, Preset


def test_presets_are_the_papers():
    assert set(PRESETS) == {"grpo", "dr_grpo", "dapo", "gspo", "cispo"}
    grpo, dr_grpo, dapo = PRESETS["grpo"], PRESETS["dr_grpo"], PRESETS["dapo"]
    assert (grpo.loss.clip_low, grpo.loss.clip_high, grpo.loss.kl_coefficient) == (10.0, 10.0, 0.001)
    assert (grpo.loss.kl_estimator, grpo.loss.aggregation) == ("k3", "seq_mean_token_mean")
    assert (dr_grpo.advantage_normalisation, dr_grpo.loss.kl_coefficient) == ("none", 0.0)
    assert dr_grpo.loss.aggregation == "seq_mean_token_sum_norm"
    assert (dapo.loss.clip_low, dapo.loss.clip_high, dapo.loss.aggregation) == (0.2, 0.28, "token_mean")
    assert dapo.dynamic_sampling
    assert dapo.soft_overlong_punishment
    assert PRESETS["gspo"].loss.ratio_level == "sequence"
    assert PRESETS["cispo"].loss.surrogate == "cispo"
    assert all("arXiv:" in preset.source for preset in PRESETS.values())


def test_presets_cannot_be_changed():
    with pytest.raises(TypeError):
        PRESETS["grpo"] = PRESETS["dapo"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRESETS["grpo"].loss.clip_low = 0.2  # type: ignore[misc]
    assert isinstance(PRESETS["grpo"], Preset)


def test_importing_presets_imports_no_torch():
    code = "import sys, r1light.algorithms.presets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_low": 0.0}, "clip_low=0.0"),
        ({"clip_high": -0.1}, "clip_high=-0.1"),
        ({"clip_high": float("nan")}, "clip_high=nan"),
        ({"clip_delta": 1.0}, "clip_delta=1.0"),
        ({"clip_delta": 4.0, "surrogate": "cispo"}, "clip_delta belongs"),
        ({"kl_coefficient": -0.001}, "kl_coefficient=-0.001"),
        ({"kl_estimator": "k2", "kl_importance_weighted": True}, "kl_importance_weighted"),
        ({"rollout_correction_max": 0.0}, "rollout_correction_max=0.0"),
        ({"rollout_correction_min": 2.0}, "rollout_correction_min=2.0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PolicyLossOptions(**options)
