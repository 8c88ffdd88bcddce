"""The bench of fine-tuning: its table, and its own side at work."""

import argparse
import importlib.util
import json
from pathlib import Path

import pytest

from r1light.models.tiny import WEIGHTS

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "bench" / "sft_step.py"


def bench():
    spec = importlib.util.spec_from_file_location("bench_sft_step", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_compares_medians_of_cpu_time():
    module = bench()
    runs = {
        "r1light": [{"cpu": 2.0, "clock": 3.0, "updates": 4}, {"cpu": 4.0, "clock": 9.0, "updates": 4}],
        "TRL, defaults": [{"cpu": 6.0, "clock": 7.0, "updates": 4}],
    }
    result = {
        "rows": 64, "tokens": 12345, "batch": 16, "max_length": 1024, "threads": 1, "load_average": 0.25,
        "sides": runs,
    }  # fmt: skip
    text = module.table(result)
    # medians of CPU time: (2 + 4) / 2 = 3 and 6, so 6 / 3 = 2
    assert "| r1light | 3.00 | 2.00 to 4.00 | 6.00 | 3.00 to 9.00 | 4 | 1.00 |" in text
    assert "| TRL, defaults | 6.00 | 6.00 to 6.00 | 7.00 | 7.00 to 7.00 | 4 | 2.00 |" in text
    assert "64 rows, 12,345 tokens" in text


@pytest.mark.slow
def test_our_side_trains_on_the_rows_that_it_is_given(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("R1LIGHT_SHARED_DATA", raising=False)
    module = bench()
    model = str(WEIGHTS / "tiny")
    rows = module.encoded_rows(model, 10, 32)
    assert all(len(row["input_ids"]) == len(row["completion_mask"]) <= 32 for row in rows)
    data = tmp_path / "rows.json"
    data.write_text(json.dumps(rows))
    options = argparse.Namespace(side=module.OURS, data=data, model=model, batch=4, max_length=32, threads=1)
    module.serve_side(options)
    result = json.loads(capsys.readouterr().out.splitlines()[-1].removeprefix("RESULT "))
    assert result["updates"] == -(-len(rows) // 4)
    assert result["cpu"] > 0
