"""The shadow of a job, with a real process, whose model does what each row says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from modelseal.manifest import read_manifest
from modelwatch.shadow import Rows, answer_batch
from modelwatch.shadow.challenger import Challenger
from shadows import SCHEMA, Warnings, answers, children, install, seal_model
from site_packages import on_path

LONG_S = 120.0
"""More than any challenger here needs to end."""

SHORT_S = 3.0
"""Of challengers that never end."""

LATE = "its process was not done after 3 s, and was killed."


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("shadow")
    with on_path(install(folder / "site")):
        yield seal_model(folder / "model")


@pytest.fixture
def warn() -> Warnings:
    return Warnings()


def challenger(model: Path, log: Path) -> Challenger:
    # The setting of the log would be longer than the job waits.
    return Challenger(model, None, (), "obeying:make", SCHEMA, str(log), flush_s=3600.0)


def batch(count: int, **last: object) -> Rows:
    """Rows, the last of which has more values."""
    rows: list[dict[str, object]] = [{"x": float(number)} for number in range(count)]
    rows[-1] |= last
    return Rows(1_700_000_000.0, "night", [f"p{number}" for number in range(count)], rows)


def test_a_whole_batch_is_answered_and_logged(model: Path, tmp_path: Path, warn: Warnings) -> None:
    written = answer_batch(challenger(model, tmp_path), batch(25_000), timeout_s=LONG_S, warn=warn)
    assert written == 25_000
    found = answers(tmp_path)
    assert {name: row["output.score"] for name, row in found.items()} == {
        f"p{number}": 3.0 * number for number in range(25_000)
    }
    assert {row["model"] for row in found.values()} == {read_manifest(model)[1]}
    assert {row["request_id"] for row in found.values()} == {"night"}
    assert {row["time"].timestamp() for row in found.values()} == {1_700_000_000.0}
    assert warn.texts == []
    assert children() == []


def test_an_empty_batch_needs_no_challenger(model: Path, tmp_path: Path, warn: Warnings) -> None:
    nothing = Rows(0.0, "night", [], [])
    assert answer_batch(challenger(model, tmp_path), nothing, timeout_s=LONG_S, warn=warn) == 0
    assert warn.texts == []


def test_a_row_that_cannot_be_answered_is_lost_alone(
    model: Path, tmp_path: Path, warn: Warnings
) -> None:
    written = answer_batch(
        challenger(model, tmp_path), batch(5, do="raise"), timeout_s=LONG_S, warn=warn
    )
    assert written == 4
    assert sorted(answers(tmp_path)) == ["p0", "p1", "p2", "p3"]
    assert warn.texts == [
        "Shadow: the challenger cannot answer: ValueError: no such leaf",
        (
            f"Shadow: answers are missing. 4 of 5 answers of the challenger {model} are in the "
            "prediction log. The batch is not affected."
        ),
    ]


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        ("abort", "its process ended with status -6."),
        ("scribble", "its process sent something else than messages: "),
        ("miscount", "its process sent something else than messages: counts that are no numbers"),
        ("half", LATE),
        ("flood", LATE),
        ("hang", LATE),
        ("spin", LATE),
    ],
)
def test_a_challenger_that_breaks_ends_with_a_warning(
    model: Path, tmp_path: Path, warn: Warnings, do: str, reason: str
) -> None:
    timeout_s = SHORT_S if reason.startswith(LATE) else LONG_S
    written = answer_batch(
        challenger(model, tmp_path), batch(5, do=do), timeout_s=timeout_s, warn=warn
    )
    assert written == 0
    assert warn.texts[-1].startswith(f"Shadow: {reason}")
    assert "0 of 5 answers" in warn.texts[-1]
    assert children() == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "0" * 64}, "manifest-digest: "),
        ({"folder": Path("/nowhere")}, "manifest: "),
        ({"answerer": "obeying:make_none"}, "unexpected: TypeError: a model of another service"),
        ({"answerer": "obeying:absent"}, "unexpected: AttributeError: "),
    ],
)
def test_a_refused_challenger_is_a_warning(
    model: Path, tmp_path: Path, warn: Warnings, changes: dict[str, object], reason: str
) -> None:
    found = Challenger(**{**challenger(model, tmp_path)._asdict(), **changes})
    assert answer_batch(found, batch(5), timeout_s=LONG_S, warn=warn) == 0
    [text] = warn.texts
    assert text.startswith(f"Shadow: the challenger is refused: {reason}")
    assert children() == []


def test_a_broken_store_is_given_up_in_time(model: Path, tmp_path: Path, warn: Warnings) -> None:
    (tmp_path / "file").write_bytes(b"")
    found = challenger(model, tmp_path / "file")
    assert answer_batch(found, batch(5), timeout_s=SHORT_S, warn=warn) == 0
    assert warn.texts[-1].startswith(f"Shadow: {LATE}")
    assert children() == []


def test_a_process_that_cannot_be_started_is_a_warning(
    model: Path, tmp_path: Path, warn: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "absent"))
    assert answer_batch(challenger(model, tmp_path), batch(5), timeout_s=LONG_S, warn=warn) == 0
    [text] = warn.texts
    assert text.startswith("Shadow: its process cannot be used: [Errno 2]")
