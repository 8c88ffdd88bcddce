"""Quantiles of Student's t, for 95% intervals over a few seeds."""

from __future__ import annotations

_T = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
)  # fmt: skip
"""The 97.5% quantile of Student's t for 1 to 20 degrees of freedom."""
_Z = 1.959964


def t_quantile(freedom: int) -> float:
    """The 97.5% quantile of Student's t, to four decimals.

    Beyond the table by its expansion about the normal quantile z:
    z + (z^3 + z) / 4f + (5 z^5 + 16 z^3 + 3 z) / 96 f^2 + O(f^-3).

    Args:
        freedom: Degrees of freedom, at least 1.
    """
    if freedom <= len(_T):
        return _T[freedom - 1]
    first, second = (_Z**3 + _Z) / 4, (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96
    third = (3 * _Z**7 + 19 * _Z**5 + 17 * _Z**3 - 15 * _Z) / 384
    return _Z + first / freedom + second / freedom**2 + third / freedom**3
