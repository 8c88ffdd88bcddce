"""FRAMES (arXiv:2409.12941) with the oracle prompt: the question, with the articles that answer it.

The paper asks it so (DeepSeek-R1, arXiv:2501.12948v2, section D.1), and a model judges the answer: the grader
`judge` (`stage.judge.base_url=...`). The data name Wikipedia articles and do not hold them; their texts are
taken from a file of rows `{"link", "text"}`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.columns import text_cell
from r1light.data.rows import HubSplit, Row, read_rows
from r1light.evaluation.local_file import local_file

_HUB = "google/frames-benchmark"
_OBTAIN = (
    "the questions are google/frames-benchmark on the hub, 824 rows, or frames.jsonl in stage.data_dir; the "
    "Wikipedia articles that its wiki_links name are to be fetched by you into frames/articles.jsonl, rows "
    "of link and text"
)


@dataclass(frozen=True, slots=True)
class FramesConfig:
    """Where questions and articles stand."""

    path: str | None = None
    """A file of questions; null looks into `stage.data_dir`, and without that takes them from the hub."""
    articles: str | None = None
    """A file of articles, rows of `link` and `text`; null looks for frames/articles.jsonl in
    `stage.data_dir`."""
    max_chars: int | None = None
    """Characters of each article, from its beginning; null for all."""

    def __post_init__(self) -> None:
        if self.max_chars is not None and self.max_chars < 1:
            raise ValueError(f"max_chars={self.max_chars} must be at least 1, or null")


class Frames:
    """The task: one problem a question, with all of its articles before it."""

    Config = FramesConfig
    about = Benchmark("FRAMES", k=4, obtain=_OBTAIN)

    def __init__(self, config: FramesConfig, data_dir: Path | None = None) -> None:
        self.config, self.data_dir = config, data_dir

    def __iter__(self) -> Iterator[Problem]:
        """The problems.

        Raises:
            DataError: Questions or articles are absent, or a row is broken.
        """
        articles = self._articles()
        for number, row in enumerate(self._questions(), start=1):
            question, answer = text_cell(row, "Prompt", "prompt"), text_cell(row, "Answer", "answer")
            texts = [self._text(articles, link, row) for link in links(row)]
            prompt = _asked(question.strip(), texts)
            meta = {"source": "frames", "question": question.strip()}
            yield Problem(f"frames/{number}", prompt, "judge", answer, language="en", meta=meta)

    def _text(self, articles: Mapping[str, str], link: str, row: Row) -> str:
        text = articles.get(_page(link))
        if text is None:
            raise DataError(f"{row.where}: its article {link} is not among the articles; {_OBTAIN}")
        return text[: self.config.max_chars]

    def _articles(self) -> dict[str, str]:
        path = self.config.articles
        if path is None and self.data_dir is None:
            raise DataError(f"task frames has no articles here: {_OBTAIN}")
        if path is None and self.data_dir is not None:
            path = str(local_file(self.data_dir, "frames/articles", (), _OBTAIN))
        if path is None or not Path(path).expanduser().is_file():
            raise DataError(f"task frames: there is no file {path}; {_OBTAIN}")
        rows = read_rows(path, HubSplit(None, "test"), max_row_bytes=64_000_000)
        return {_page(text_cell(row, "link", "id")): text_cell(row, "text", "prompt") for row in rows}

    def _questions(self) -> Iterator[Row]:
        path, part = self.config.path, HubSplit(None, "test")
        if path is not None and not Path(path).expanduser().exists():
            raise DataError(f"task frames: there is no file {path}; {_OBTAIN}")
        if path is None and self.data_dir is not None:
            path = str(local_file(self.data_dir, "frames", (), _OBTAIN))
        try:
            yield from read_rows(_HUB if path is None else path, part)
        except DataError as error:
            if path is not None:
                raise
            raise DataError(f"task frames has no data here: {_OBTAIN} ({error})") from error


def links(row: Row) -> list[str]:
    """The articles of a question: the column `wiki_links`, a list or the text of one.

    Raises:
        DataError: There are none, or the column holds something else.
    """
    value = row.values.get("wiki_links")
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            value = None
    if not isinstance(value, list) or not value or not all(isinstance(link, str) for link in value):
        raise DataError(f"{row.where}: wiki_links must be a list of one or more addresses")
    return list(dict.fromkeys(value))


def _page(link: str) -> str:
    """An address apart from its spelling: scheme, mobile host, part of the page and escapes."""
    page = unquote(link.strip()).partition("#")[0].partition("://")[2] or link.strip()
    return page.replace(".m.wikipedia.org", ".wikipedia.org").replace(" ", "_").rstrip("/")


def _asked(question: str, texts: list[str]) -> str:
    told = "\n\n".join(f"Article {number}:\n{text.strip()}" for number, text in enumerate(texts, start=1))
    return f"Here are articles of Wikipedia that hold what is needed.\n\n{told}\n\nQuestion: {question}"
