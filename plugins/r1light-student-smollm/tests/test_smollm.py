from importlib.resources import files

import pytest
import yaml

CONF = files("r1light_student_smollm.conf") / "model"


@pytest.mark.parametrize("size", ["135M", "360M", "1.7B"])
def test_each_file_is_the_core_s_hf_model_with_a_path(size):
    plain = yaml.safe_load((CONF / f"smollm2-{size.lower()}.yaml").read_text())
    assert plain == {"defaults": ["hf"], "path": f"HuggingFaceTB/SmolLM2-{size}"}


def test_there_are_no_others():
    assert len([path for path in CONF.iterdir() if path.name.endswith(".yaml")]) == 3
