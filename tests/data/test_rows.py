"""Reading tables: what a row is, where it stands, and what is said of a broken one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from r1light.core.errors import DataError
from r1light.data.rows import EVERY, HubSplit, read_rows, rows_and_faults

HUB = HubSplit(None, "train")


def read(path):
    return list(read_rows(str(path), HUB))


def test_json_lines_keep_their_line_numbers_over_empty_lines_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"q": "\xe4\xbd\xa0"}\n\n{"q": 2}')
    rows = read(path)
    assert [row.values for row in rows] == [{"q": "你"}, {"q": 2}]
    assert [row.where for row in rows] == [f"{path}:1", f"{path}:3"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "is no JSON"),
        (b"[1]", "is a list; a line must be one object in braces"),
        (b"7", "is a number"),
        (b'{"q": "\xff"}', "is not UTF-8 at byte 7"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"q": "a\\ud800"}', r"holds \\ud800, which is half a character"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, says):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"q": 1}\n' + line + b"\n")
    with pytest.raises(DataError, match=f"a.jsonl:2 .*{says}"):
        read(path)


def test_a_json_file_is_a_list_of_objects(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"q": 1}, {"q": 2}]))
    assert [(row.values["q"], row.where) for row in read(path)] == [
        (1, f"{path}: item 1"),
        (2, f"{path}: item 2"),
    ]
    path.write_text('{"q": 1}')
    with pytest.raises(DataError, match=r"is an object; a \.json file must be one list"):
        read(path)
    path.write_text("[1]")
    with pytest.raises(DataError, match="item 1 is a number"):
        read(path)


def test_parquet_gives_plain_values_in_order_over_row_groups(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    rows = [{"q": f"{i}", "a": i / 2, "m": [{"role": "user", "content": "x"}]} for i in range(3000)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=700)
    found = read(path)
    assert [row.values for row in found] == rows
    assert found[-1].where == f"{path}: row 3000"


def test_a_damaged_parquet_file_is_named(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(DataError, match=r"a\.parquet cannot be read as Parquet"):
        read(path)


def test_a_folder_is_its_files_by_name(tmp_path):
    (tmp_path / "b.jsonl").write_text('{"q": "b"}\n')
    (tmp_path / "a.jsonl").write_text('{"q": "a"}\n')
    (tmp_path / "SOURCE.md").write_text("no rows")
    assert [row.values["q"] for row in read(tmp_path)] == ["a", "b"]
    for path in tmp_path.glob("*.jsonl"):
        path.unlink()
    with pytest.raises(DataError, match="holds no file that ends in"):
        read(tmp_path)


@pytest.mark.parametrize("path", ["no.jsonl", "./no", "/no/such/file", "no", "a/b/c"])
def test_what_is_neither_a_file_nor_a_hub_name_is_refused_without_asking_the_hub(path):
    with pytest.raises(DataError, match=f"there is no file {path}; a path must name a file"):
        read(path)


def test_csv_rows_are_texts_by_column_with_the_line_that_each_begins_on(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfq,a\r\n"1, or\n""one""",2\r\n\r\n\xe4\xbd\xa0,')
    rows = read(path)
    assert [row.values for row in rows] == [{"q": '1, or\n"one"', "a": "2"}, {"q": "你", "a": ""}]
    assert [row.where for row in rows] == [f"{path}:2", f"{path}:5"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"q,a\n1,2\n3\n", r"a\.csv:3 has 1 cells, and the first row names 2 columns"),
        (b"q,a\n1,2,3\n", r"a\.csv:2 has 3 cells"),
        (b"q,q\n1,2\n", r"a\.csv:1: the first row of a \.csv file names its columns, each once"),
        (b'q,a\n"1"2,3\n', r"a\.csv:2 is no row of CSV"),
        (b'q,a\n1,2\n"3,4\n5,6\n', r"a\.csv:3 is no row of CSV: unexpected end of data"),
        (b"q,a\n1,\xff\n", r"a\.csv:2 is not UTF-8 at byte 2"),
    ],
)
def test_a_broken_row_of_csv_is_named(tmp_path, text, says):
    path = tmp_path / "a.csv"
    path.write_bytes(text)
    with pytest.raises(DataError, match=says):
        read(path)


def test_behind_a_broken_row_of_csv_it_goes_on(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('q,a\n1\n"2"x,3\n4,5\n')
    found = list(rows_and_faults(str(path), HUB))
    assert [isinstance(each, DataError) for each in found] == [True, True, False]
    assert found[-1].values == {"q": "4", "a": "5"}


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("q\n1\n")
    with pytest.raises(DataError, match=r"must end in \.jsonl"):
        read(path)


def test_without_the_hub_the_error_is_one_line():
    code = (
        "from r1light.data.rows import read_rows, HubSplit\n"
        "try: list(read_rows('nobody/nothing', HubSplit('main', 'train')))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = done.stdout.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("DataError data.path=nobody/nothing is no file here")
    assert "give a file by data.path=" in lines[0]


def test_every_configuration_of_a_data_set_on_the_hub(monkeypatch):
    def load_dataset(path, subset, split, revision):
        return [{"from": f"{path} {subset} {split} {revision}"}]

    hub = SimpleNamespace(
        load_dataset=load_dataset, get_dataset_config_names=lambda path, revision: ["a", "b"]
    )
    monkeypatch.setitem(sys.modules, "datasets", hub)
    rows = list(read_rows("owner/name", HubSplit(EVERY, "val", "v1")))
    assert [row.values["from"] for row in rows] == ["owner/name a val v1", "owner/name b val v1"]
    assert [row.where for row in rows] == ["owner/name (val): row 1", "owner/name (val): row 2"]
