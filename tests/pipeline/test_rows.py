from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.pipeline.rows import Rows, given_by, rows_in, rows_of
from r1light.stages import stage_module


@cache
def composed(*words):
    (plain,) = compose_jobs(words, Source(), multirun=False).jobs
    return validate(plain, stage_module)


def configured(*words, **options):
    """A configuration, options of its stage replaced: composing is slow."""
    config = composed(*words)
    return replace(config, stage=replace(config.stage, **options))


def written(path, count, text="x" * 88):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for _ in range(count)))
    return str(path)


def test_a_file_is_counted(tmp_path):
    # {"text": "..."} and the line's end are 88 + 13 = 101 bytes, 25.25 tokens of 4
    assert rows_in(written(tmp_path / "a.jsonl", 3)) == Rows(3, "", 25.25)
    written(tmp_path / "b.jsonl", 5)
    assert rows_in(str(tmp_path)) == Rows(8, "", 25.25)


def test_a_long_file_is_reckoned_by_its_size(tmp_path):
    rows = rows_in(written(tmp_path / "a.jsonl", 2500))
    assert rows == Rows(2500, "about", 25.25)
    assert str(rows) == "about 2,500 rows"


def test_what_is_no_file_of_lines_is_not_known(tmp_path):
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    assert rows_in(str(tmp_path / "rows.parquet")) is None
    assert rows_in(str(tmp_path)) is None
    assert rows_in("owner/name") is None
    (tmp_path / "empty.jsonl").touch()
    assert rows_in(str(tmp_path / "empty.jsonl")) == Rows(0)


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("data=countdown",), Rows(4096)),
        (("stage=evaluate", "data=countdown"), Rows(512)),
        # 200 rows less a twentieth
        (("data=jsonl", "data.path=known"), Rows(190, "about")),
        (("data=jsonl", "data.path=known", "data.limit=50"), Rows(50)),
        (("data=jsonl", "data.path=known", "data.test_share=0"), Rows(200)),
        (("data=jsonl", "data.path=known", "data.test_path=other"), Rows(200)),
        (("stage=evaluate", "data=jsonl", "data.path=other", "data.test_path=known"), Rows(200)),
        (("data=jsonl", "data.path=other"), None),
        (("data=jsonl", "data.path=other", "data.limit=50"), Rows(50, "at most")),
        # the two of a mixture have weights: where it ends hangs on both
        (("data=mixture",), None),
        (("stage=evaluate", "data=mixture"), Rows(1024)),
        (("data=mixture_of", "data.sources.countdown.train_size=7", "data.sources.sums.name=jsonl",
          "data.sources.sums.path=other", "data.sources.sums.limit=5"), Rows(12, "at most")),
    ],
)  # fmt: skip
def test_rows_of_a_split(words, rows):
    assert rows_of(configured(*words), lambda path: Rows(200) if path == "known" else None) == rows


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        # 10 problems x the 4 of 8 that are kept
        ({"curation": "rejection", "n": 8}, 40),
        ({"curation": "rejection", "n": 3}, 30),
        ({"curation": "rejection", "n": 3, "limit": 2}, 6),
        ({"curation": "cold_start", "n": 4}, 10),
        ({"curation": "pairs", "n": 4}, 10),
        ({"curation": "none", "n": 4}, 40),
    ],
)
def test_rows_that_sampling_gives_at_most(options, rows):
    assert given_by(configured("stage=sample", **options), Rows(10)) == Rows(rows, "at most")


def test_other_stages_give_no_rows():
    assert given_by(configured(), Rows(10)) is None
    assert given_by(configured("stage=sample"), None) is None
