"""Tests of drift with a stated false alarm rate.

Each column has two tests: whether its values are distributed as in the reference (Kolmogorov and
Smirnov for a number, chi-square for a category and for a number of few values), and whether as many
are missing (Fisher, or chi-square). A category has a third one: whether more of its levels are
unseen than the reference lets expect (Fisher). Holm's correction over all tests keeps the chance of
a false alarm in a report below `ALPHA`, if the rows of a window are independent of each other.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from modelwatch.profile import OTHER, CategoryProfile, NumberProfile
from modelwatch.reporting.window import WindowColumn

__all__ = ["ALPHA", "MIN_ROWS", "ColumnDrift", "find_drift", "population_stability"]

ALPHA: Final = 0.01
"""The chance that a report without drift shows any."""

MIN_ROWS: Final = 200
"""Fewer values than these are not compared."""

MATERIAL_PSI: Final = 0.1
"""The least population stability index of a change that matters, by convention."""

MATERIAL_MISSING: Final = 0.05
"""The least difference of the shares of missing values that matters."""

_PSI_BINS: Final = 10
_FEW_VALUES: Final = 20
_MIN_EXPECTED: Final = 5
_MIN_LEVEL: Final = 30

Counts = npt.NDArray[np.float64]
State = Literal["steady", "drift", "too-small", "not-logged"]


class ColumnDrift(NamedTuple):
    """The comparison of one column with the reference.

    Attributes:
        state: ``drift`` if a test finds a difference, ``steady`` if none does, ``too-small`` if the
            window has too few values, ``not-logged`` if the log has no such column.
        material: Whether a drift is large enough to matter.
        psi: Population stability index; None if it was not compared.
        p_values: Value of each test after Holm's correction.
        missing: Share of missing values.
        missing_reference: The same in the reference.
        unseen: Share of values out of the range, or of unseen levels.
        examples: Unseen levels.
    """

    state: State
    material: bool
    psi: float | None
    p_values: dict[str, float]
    missing: float
    missing_reference: float
    unseen: float
    examples: tuple[str, ...]


def find_drift(
    reference: Mapping[str, NumberProfile | CategoryProfile],
    window: Mapping[str, WindowColumn],
    *,
    alpha: float = ALPHA,
) -> dict[str, ColumnDrift]:
    """Compare the columns of a window with the reference.

    Args:
        reference: The profile of each column.
        window: The counts of each column, without those that the log has not.
        alpha: The chance that a window without drift shows any.
    """
    tests = {
        (name, test): p_value
        for name, profile in reference.items()
        if name in window and window[name].rows >= MIN_ROWS
        for test, p_value in _tests(profile, window[name]).items()
    }
    adjusted = dict(zip(tests, _holm(list(tests.values())), strict=True))
    return {
        name: _column(
            profile,
            window.get(name),
            {test: p_value for (of, test), p_value in adjusted.items() if of == name},
            alpha,
        )
        for name, profile in reference.items()
    }


def population_stability(reference: Counts, window: Counts) -> float:
    """The population stability index of two counts of the same bins.

    Half a row is added to each bin, so that an empty one has no infinite weight.
    """
    one, other = reference + 0.5, window + 0.5
    one, other = one / one.sum(), other / other.sum()
    return float(((other - one) * np.log(other / one)).sum())


def _column(
    profile: NumberProfile | CategoryProfile,
    window: WindowColumn | None,
    p_values: dict[str, float],
    alpha: float,
) -> ColumnDrift:
    missing_reference = profile.missing / profile.rows
    if window is None or not window.rows:
        state: State = "not-logged" if window is None else "too-small"
        return ColumnDrift(state, False, None, {}, 0.0, missing_reference, 0.0, ())
    missing = window.missing / window.rows
    psi = None
    if window.present >= MIN_ROWS:
        psi = population_stability(*_psi_counts(profile, window))
    drifted = any(p_value < alpha for p_value in p_values.values())
    material = (psi is not None and psi >= MATERIAL_PSI) or (
        abs(missing - missing_reference) >= MATERIAL_MISSING
    )
    return ColumnDrift(
        state="drift" if drifted else "steady" if p_values else "too-small",
        material=drifted and material,
        psi=psi,
        p_values=p_values,
        missing=missing,
        missing_reference=missing_reference,
        unseen=window.unseen / window.present if window.present else 0.0,
        examples=window.examples,
    )


def _tests(profile: NumberProfile | CategoryProfile, window: WindowColumn) -> dict[str, float]:
    found = {"missing": _missing_test(profile, window)}
    if window.present >= MIN_ROWS:
        reference, counts = _counts(profile), np.array(window.counts, dtype=float)
        if isinstance(profile, NumberProfile) and len(profile.edges) > _FEW_VALUES:
            found["values"] = _smirnov(reference, counts)
        elif isinstance(profile, NumberProfile):
            found["values"] = _chi_square(reference, counts)
        else:
            found["values"] = _chi_square(*_with_rare(profile, reference, counts))
            found["unseen"] = _unseen_test(profile, window)
    return found


def _counts(profile: NumberProfile | CategoryProfile) -> Counts:
    counts = (
        profile.counts if isinstance(profile, NumberProfile) else tuple(profile.levels.values())
    )
    return np.array([*counts, 0], dtype=float)


def _smirnov(reference: Counts, window: Counts) -> float:
    """The two-sample test, at the edges of the bins only: it can only be less than exact."""
    n, m = reference.sum(), window.sum()
    distance = np.abs(np.cumsum(reference) / n - np.cumsum(window) / m).max()
    return float(stats.kstwobign.sf(distance * np.sqrt(n * m / (n + m))))


def _chi_square(reference: Counts, window: Counts) -> float:
    table = _merge_rare(np.stack([reference, window]))
    if table.shape[1] < 2:  # noqa: PLR2004 - one value in both
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _merge_rare(table: Counts) -> Counts:
    """Merge the bins whose expected counts are too small for the test, the rarest first."""
    totals = table.sum(axis=0)
    share = table.sum(axis=1).min() / table.sum()
    rare = totals * share < _MIN_EXPECTED
    if not rare.any():
        return table
    merged = table[:, rare].sum(axis=1, keepdims=True)
    kept = table[:, ~rare]
    if merged.sum() * share >= _MIN_EXPECTED or not kept.shape[1]:
        return np.hstack([kept, merged])
    smallest = int(kept.sum(axis=0).argmin())
    kept[:, smallest : smallest + 1] += merged
    return kept


def _with_rare(
    profile: CategoryProfile, reference: Counts, counts: Counts
) -> tuple[Counts, Counts]:
    """The counts with rare and unseen levels in one bin: which of them are seen is chance."""
    rare = (reference < _MIN_LEVEL) | np.array([*(one == OTHER for one in profile.levels), True])
    return (
        np.append(reference[~rare], reference[rare].sum()),
        np.append(counts[~rare], counts[rare].sum()),
    )


def _unseen_test(profile: CategoryProfile, window: WindowColumn) -> float:
    """Compare with the rows of the reference whose level no other row has."""
    present = profile.rows - profile.missing
    table = [
        [window.unseen, window.present - window.unseen],
        [profile.singletons, present - profile.singletons],
    ]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def _missing_test(profile: NumberProfile | CategoryProfile, window: WindowColumn) -> float:
    if not profile.missing and not window.missing:
        return 1.0
    table = np.array(
        [
            [profile.missing, profile.rows - profile.missing],
            [window.missing, window.present],
        ],
        dtype=float,
    )
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    if expected.min() >= _MIN_EXPECTED:
        return float(stats.chi2_contingency(table, correction=False).pvalue)
    if not table.sum(axis=0).all():
        return 1.0  # all are missing in both
    return float(stats.fisher_exact(table.astype(int)).pvalue)


def _holm(p_values: Sequence[float]) -> list[float]:
    order = np.argsort(p_values)
    adjusted = np.empty(len(p_values))
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return [float(value) for value in adjusted]


def _psi_counts(
    profile: NumberProfile | CategoryProfile, window: WindowColumn
) -> tuple[Counts, Counts]:
    reference, counts = _counts(profile), np.array(window.counts, dtype=float)
    if isinstance(profile, CategoryProfile) or len(reference) <= _PSI_BINS + 1:
        return reference, counts
    shares = np.cumsum(reference) / reference.sum()
    # A bin that ends at a tenth belongs to it.
    bins = np.minimum(np.ceil(shares * _PSI_BINS - 1e-9).astype(int) - 1, _PSI_BINS - 1)
    return (
        np.bincount(bins, weights=reference, minlength=_PSI_BINS).astype(float),
        np.bincount(bins, weights=counts, minlength=_PSI_BINS).astype(float),
    )
