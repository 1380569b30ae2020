"""Refuses a run that would drop more rows than dirty data explains.

Otherwise a scheduled job that drops nearly everything would go on to succeed.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from servicekit.files import DataError

from chicagotaxi.etl.numbers import AMOUNT_GRAMMAR, is_amount, is_number
from chicagotaxi.etl.rules import DUPLICATE, REASONS
from chicagotaxi.etl.run_steps import EtlRun, Written
from chicagotaxi.sources.columns import MONEY, NUMBERS, TIMES
from chicagotaxi.sources.input_files import Source

# Columns that show why a row breaks a rule, if that is not the pickup area.
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
        written: The counts of the run.
        sources: The input files.
        run: The run, which gives examples.
        limit: Largest share of the rows read that may be dropped. A file of which every row breaks
            a rule is always refused, unless the limit is 1.

    Raises:
        DataError: No row was kept, or too few.
    """
    lost = written.rows - written.kept
    if not lost:
        return
    if not written.kept:
        text = f"None of the {_rows(written.rows)} can be kept."
        raise DataError(f"{text} {_explain(Counter(written.dropped), sources, written, run)}")
    if lost > limit * written.rows:
        text = (
            f"{lost:,} of {_rows(written.rows)} would be dropped ({lost / written.rows:.1%}), more "
            f"than {limit:.0%}."
        )
        remedy = "or allow more with --max-dropped"
        why = _explain(Counter(written.dropped), sources, written, run, remedy=remedy)
        raise DataError(f"{text} {why}")
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
    text = f"Most broke the rule {rule} ({rows:,}): {REASONS[rule]}."
    if rule == DUPLICATE:
        shown = f"Repeated identifiers: {', '.join(map(repr, run.repeated()))}."
    else:
        source = max(sources, key=lambda one: written.inputs[one.path].dropped[rule])
        shown = _seen(rule, source, run.examples(rule, source))
    end = f"Correct the input{', ' if remedy else ''}{remedy}. Nothing was written."
    return f"{text} {shown} {end}"


def _seen(rule: str, source: Source, rows: Sequence[dict[str, str]]) -> str:
    """The expected form, and the first values that differ from it."""
    columns = _COLUMNS.get(rule, ("start",) if rule.startswith("start_") else ("pickup_area",))
    names = source.dialect.columns
    cells = [
        (names[name], row[name]) for row in rows for name in columns if _is_fault(rule, name, row)
    ]
    expected = _expected(rule, columns, source)
    if not cells:
        # Numbers that are well-formed, but larger than any of a trip.
        return f"{expected}Some in {source.path} are too large."
    values = ", ".join(f"{name!r}: {value!r}" for name, value in cells[:3])
    return f"{expected}The first values in {source.path}: {values}."


def _is_fault(rule: str, name: str, row: dict[str, str]) -> bool:
    """Whether a cell may be the reason why its row breaks a rule about several columns."""
    cell = row[name]
    if rule == "number_unreadable":
        return cell != "" and not (is_amount(cell) if name in MONEY else is_number(cell))
    if rule == "negative_amount":
        return "-" in cell
    return True


def _expected(rule: str, columns: Sequence[str], source: Source) -> str:
    if rule.endswith("_unreadable"):
        if columns[0] in TIMES:
            return f"Expected: a time such as {source.dialect.example}. "
        return f"Expected: {AMOUNT_GRAMMAR}. "
    return ""


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"
