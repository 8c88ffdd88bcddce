import pytest

from r1light.doctor import accelerator


def states():
    return {each.what: each for each in accelerator.look_at_accelerators()}


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(accelerator.torch.cuda, "is_available", lambda: False)


def test_without_a_driver_no_gpu_is_a_note(without_gpu, monkeypatch, tmp_path):
    monkeypatch.setattr(accelerator, "_DRIVER", tmp_path / "absent")
    assert states()["GPU"].state == "note"


@pytest.mark.parametrize(("cuda", "advice"), [(None, "CUDA build"), ("12.8", "CUDA 12.8")])
def test_a_driver_whose_gpu_torch_does_not_see_is_a_problem(without_gpu, monkeypatch, tmp_path, cuda, advice):
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.1  Tue\nGCC\n")
    monkeypatch.setattr(accelerator, "_DRIVER", tmp_path / "version")
    monkeypatch.setattr(accelerator.torch.version, "cuda", cuda)
    found = states()
    assert found["driver"].told == "NVIDIA UNIX x86_64 Kernel Module 570.1 Tue"
    assert found["GPU"].state == "problem"
    assert advice in found["GPU"].advice


@pytest.mark.parametrize(
    ("free", "bf16", "state"), [(76e9, True, "ok"), (60e9, True, "warning"), (76e9, False, "warning")]
)
def test_a_gpu_with_another_user_or_without_bfloat16_is_a_warning(free, bf16, state):
    finding = accelerator.gpu_finding(0, "H100", free, 80e9, bf16)
    assert finding.state == state
    assert finding.told.startswith(f"0: H100, {free / 1e9:.1f} of 80.0 GB free")
