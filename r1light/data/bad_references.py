"""Rows of public benchmarks whose reference answer says nothing: nobody's answer to them can be judged.

Benchmarks leave them out, and whoever looks at the same files for rewards finds them here. A row is named by
its number in the published file, and is left out only if its reference answer is the one that stands here.
"""

from __future__ import annotations

from collections.abc import Mapping

BAD_REFERENCES: Mapping[str, str] = {
    "asdiv/1314": "-",
    "college_math/747": "$-3 b^{4}+13 b^{3}-7 b^{2}-$",
    "gaokao2023en/168": "",
    "gaokao2023en/193": "",
}
"""Benchmark and number of the row, from 1, to its reference answer."""


def is_bad(row: str, reference: str) -> bool:
    """Whether a row is known to have a reference answer that says nothing.

    Args:
        row: Such as "asdiv/1314".
        reference: The reference answer that the row has here.
    """
    return BAD_REFERENCES.get(row) == reference.strip()
