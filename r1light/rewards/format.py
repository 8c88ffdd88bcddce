"""Whether a completion keeps to its template's form."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.core.types import Sample, Score


class Format:
    """1 for a completion that its template calls well formed, else 0 (arXiv 2501.12948 v2, eq. 4)."""

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score each sample by `parsed.well_formed`."""
        return [Score.ok(float(sample.parsed.well_formed)) for sample in samples]
