"""Refuses a run that would drop more of its rows than dirt explains.

A run that drops nearly everything and ends well would keep a scheduled job green for ever.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from servicekit.files import DataError

from chicagotaxi.etl.etl_run import EtlRun, Written
from chicagotaxi.etl.numbers import AMOUNT_GRAMMAR, is_amount, is_number
from chicagotaxi.etl.rules import DUPLICATE, REASONS
from chicagotaxi.sources.columns import MONEY, NUMBERS, TIMES
from chicagotaxi.sources.input_files import Source

# The columns in which the fault of a rule can be seen, where that is not the pickup area.
_COLUMNS: Final = {
    "header_among_rows": ("trip_id",),
    "no_trip_id": ("trip_id",),
    "ends_before_start": TIMES,
    "end_unreadable": ("end",),
    "number_unreadable": NUMBERS,
    "negative_amount": MONEY,
    "negative_distance": ("miles",),
    "negative_duration": ("seconds",),
    "too_far": ("miles",),
    "too_long": ("seconds",),
    "too_dear": ("fare",),
}


def check_dropped(
    written: Written, sources: Sequence[Source], run: EtlRun, *, limit: float
) -> None:
    """Refuse a run that dropped too many rows, naming the rule that most of them broke.

    Args:
        written: What was counted.
        sources: The input files.
        run: The run, which gives examples.
        limit: The most that may be dropped, as a share of the rows read. A file of which every row
            broke a rule is refused whatever the share of all rows, unless the limit is 1.

    Raises:
        DataError: No row, or too few, were kept.
    """
    lost = written.rows - written.kept
    if not lost:
        return
    if not written.kept:
        told = f"None of the {_rows(written.rows)} can be kept."
        raise DataError(f"{told} {_explain(Counter(written.dropped), sources, written, run)}")
    if lost > limit * written.rows:
        told = (
            f"{lost:,} of {_rows(written.rows)} would be dropped ({lost / written.rows:.1%}), more "
            f"than {limit:.0%}."
        )
        remedy = "or allow more with --max-dropped"
        why = _explain(Counter(written.dropped), sources, written, run, remedy=remedy)
        raise DataError(f"{told} {why}")
    for source in sources if limit < 1 else ():
        one = written.inputs[source.path]
        if one.rows and one.dropped.total() == one.rows:
            why = _explain(one.dropped, [source], written, run, remedy="or leave the file out")
            raise DataError(f"None of the {_rows(one.rows)} of {source.path} can be kept. {why}")


def _explain(
    dropped: Counter[str],
    sources: Sequence[Source],
    written: Written,
    run: EtlRun,
    *,
    remedy: str = "",
) -> str:
    [(rule, rows)] = dropped.most_common(1)
    told = f"Most broke the rule {rule} ({rows:,}): {REASONS[rule]}."
    if rule == DUPLICATE:
        shown = f"Identifiers that come again: {', '.join(map(repr, run.repeated()))}."
    else:
        source = max(sources, key=lambda one: written.inputs[one.path].dropped[rule])
        shown = _seen(rule, source, run.examples(rule, source))
    end = f"Correct the input{', ' if remedy else ''}{remedy}. Nothing was written."
    return f"{told} {shown} {end}"


def _seen(rule: str, source: Source, rows: Sequence[dict[str, str]]) -> str:
    """The form that was expected, and the first values that were found in its place."""
    columns = _COLUMNS.get(rule, ("start",) if rule.startswith("start_") else ("pickup_area",))
    names = source.dialect.columns
    cells = [
        (names[name], row[name]) for row in rows for name in columns if _is_fault(rule, name, row)
    ]
    expected = _expected(rule, columns, source)
    if not cells:
        # Numbers that are written as such, but larger than any of a trip.
        return f"{expected}Some in {source.path} are too large."
    values = ", ".join(f"{name!r}: {value!r}" for name, value in cells[:3])
    return f"{expected}The first values in {source.path}: {values}."


def _is_fault(rule: str, name: str, row: dict[str, str]) -> bool:
    """Whether a cell may be why its row broke a rule about several columns."""
    cell = row[name]
    if rule == "number_unreadable":
        return cell != "" and not (is_amount(cell) if name in MONEY else is_number(cell))
    if rule == "negative_amount":
        return "-" in cell
    return True


def _expected(rule: str, columns: Sequence[str], source: Source) -> str:
    if rule.endswith("_unreadable"):
        if columns[0] in TIMES:
            return f"Expected is a time such as {source.dialect.example}. "
        return f"Expected are {AMOUNT_GRAMMAR}. "
    return ""


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"
