"""The end of a pipeline: its questions answered, and its page."""

from __future__ import annotations

import logging

from r1light.core.run_folder import RunFolder

_log = logging.getLogger(__name__)


def answered(folder: RunFolder) -> dict[str, float]:
    """The metrics of the questions' answers, each verdict said in the log, and why one could not be given."""
    from r1light.reports.questions import answer_metrics, answers

    found = answers(folder.path)
    for answer in found:
        _log.info("%s %s: %s", answer.name, answer.verdict, answer.asks)
        for check in answer.checks if answer.holds is None else ():
            for why in check.missing:
                _log.warning("%s, %s: %s", answer.name, check.name, why)
    return answer_metrics(found)


def write_page(folder: RunFolder) -> None:
    """Write report.html; where that fails, the folder is not finished."""
    from r1light.core.manifest import finish_manifest
    from r1light.reports.pipeline_report import write_pipeline_report

    finish_manifest(folder)  # the page shows it
    try:
        write_pipeline_report(folder)
    except BaseException:
        folder.result.unlink()  # a folder with a result is finished, and this one is not
        raise
