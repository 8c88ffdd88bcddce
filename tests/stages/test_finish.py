"""The end of a run: its report is written when its manifest is finished."""

from r1light.core.manifest import read_manifest, start_manifest
from r1light.core.run_folder import RunFolder
from r1light.stages.supervised import finish


def test_the_report_shows_when_the_run_ended(tmp_path):
    folder = RunFolder(tmp_path)
    start_manifest(folder, stage="sft", seed=0, resolved={}, overrides=[])
    finish(folder, "sft", {"loss": 1.0}, {})
    ended = read_manifest(folder)["finished"]
    assert ended is not None
    assert f'<th scope="row">finished</th><td>{ended}</td>' in folder.report.read_text()
