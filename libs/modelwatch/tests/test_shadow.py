"""The shadow with a real process, whose model does what each row says."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from modelseal.manifest import read_manifest
from modelwatch.shadow import Shadow
from shadows import Warnings, answers, children, install, seal_model, shadow_of, wait_until
from site_packages import on_path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("shadow")
    with on_path(install(folder / "site")):
        yield seal_model(folder / "model")


@pytest.fixture
def warn() -> Warnings:
    return Warnings()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of seconds instead of a minute, and one restart."""
    monkeypatch.setattr("modelwatch.shadow.shadow.PAUSES_S", (0.1,))
    monkeypatch.setattr("modelwatch.shadow.shadow.HANGING_S", 2)
    monkeypatch.setattr("modelwatch.shadow.child._MESSAGE_S", 1)
    monkeypatch.setattr("modelwatch.shadow.child._END_S", 1)


def rows_of(count: int, **changes: object) -> list[dict[str, object]]:
    return [{"x": float(number), **changes} for number in range(count)]


def names(count: int, prefix: str = "p") -> list[str | None]:
    return [f"{prefix}{number}" for number in range(count)]


def wait_for(shadow: Shadow, **counts: int) -> None:
    wait_until(
        lambda: all(getattr(shadow.counts(), name) == count for name, count in counts.items()),
        f"{counts}, not {shadow.counts()}",
    )


def test_answers_are_logged_by_the_names_and_times_of_the_requests(
    model: Path, tmp_path: Path, warn: Warnings
) -> None:
    before = time.time()
    with shadow_of(model, tmp_path, warn) as shadow:
        shadow.offer(["a", None, "b"], "r1", rows_of(3))
        shadow.offer(["c"], "r2", rows_of(1, note="private"))
        offered = time.time()
        wait_for(shadow, offered=3, written=3, waiting=0)
        assert shadow.is_up
        assert not shadow.is_refused
    found = answers(tmp_path)
    assert {name: (row["request_id"], row["output.score"]) for name, row in found.items()} == {
        "a": ("r1", 0.0),
        "b": ("r1", 6.0),
        "c": ("r2", 0.0),
    }
    for row in found.values():
        assert before <= row["time"].timestamp() <= offered
        assert row["model"] == read_manifest(model)[1]
    assert found["b"]["feature.x"] == 2.0
    assert not (tmp_path / "predictions").exists()
    assert warn.texts == []
    assert children() == []


def test_many_rows_of_a_request_are_sent_in_parts(
    model: Path, tmp_path: Path, warn: Warnings
) -> None:
    with shadow_of(model, tmp_path, warn) as shadow:
        shadow.offer(names(700), "r", rows_of(700))
        wait_for(shadow, written=700, waiting=0)
    found = answers(tmp_path)
    assert {name: row["output.score"] for name, row in found.items()} == {
        f"p{number}": 3.0 * number for number in range(700)
    }


def test_a_row_that_cannot_be_answered_is_lost_alone(
    model: Path, tmp_path: Path, warn: Warnings
) -> None:
    with shadow_of(model, tmp_path, warn) as shadow:
        for number in range(20):
            rows = [*rows_of(2), {"x": 9.0, "do": "raise"}, *rows_of(1)]
            shadow.offer(names(4, f"{number}-"), "r", rows)
        wait_for(shadow, written=60, failed=20, waiting=0)
    assert len(answers(tmp_path)) == 60
    assert warn.texts == ["Shadow: the challenger cannot answer: ValueError: no such leaf"]


def test_a_wrong_number_of_answers_is_an_error(model: Path, tmp_path: Path, warn: Warnings) -> None:
    with shadow_of(model, tmp_path, warn, answerer="obeying:make_fewer") as shadow:
        shadow.offer(names(3), "r", rows_of(3))
        wait_for(shadow, failed=3, waiting=0)
    assert warn.texts == ["Shadow: the challenger cannot answer: ValueError: 0 answers to 1 rows"]


def test_noise_of_a_model_disturbs_nothing(
    model: Path, tmp_path: Path, warn: Warnings, capfd: pytest.CaptureFixture[str]
) -> None:
    with shadow_of(model, tmp_path, warn) as shadow:
        shadow.offer(names(3), "r", rows_of(3, do="print"))
        wait_for(shadow, written=3, waiting=0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "0" * 64}, "manifest-digest: "),
        ({"answerer": "obeying:make_none"}, "unexpected: TypeError: a model of another service"),
        ({"answerer": "obeying:absent"}, "unexpected: AttributeError: "),
    ],
)
def test_a_refused_challenger_is_tried_once(
    model: Path, tmp_path: Path, warn: Warnings, changes: dict[str, Any], reason: str
) -> None:
    with shadow_of(model, tmp_path, warn, **changes) as shadow:
        shadow.offer(names(3), "r", rows_of(3))
        wait_for(shadow, dropped=3, waiting=0)
        shadow.offer(names(2), "r", rows_of(2))
        assert shadow.counts().dropped == 5
        assert (shadow.is_up, shadow.is_refused) == (False, True)
    [text] = warn.texts
    assert text.startswith(f"Shadow: the challenger is refused: {reason}")


def test_a_challenger_that_is_not_there_is_refused(
    model: Path, tmp_path: Path, warn: Warnings
) -> None:
    with shadow_of(model / "none", tmp_path, warn) as shadow:
        wait_until(lambda: shadow.is_refused, "it is refused")
    [text] = warn.texts
    assert text.startswith("Shadow: the challenger is refused: manifest: ")


def test_too_many_rows_are_dropped_and_counted(model: Path, tmp_path: Path, warn: Warnings) -> None:
    with shadow_of(model, tmp_path, warn) as shadow:
        wait_until(lambda: shadow.is_up, "it is up")
        shadow.offer(["hangs"], "r", [{"x": 0.0, "do": "hang"}])
        wait_until(lambda: shadow._queued == 0, "the process has it")  # noqa: SLF001
        shadow.offer(names(1500), "r", rows_of(1500))
        shadow.offer(names(501), "r", rows_of(501))
        shadow.offer(names(500), "r", rows_of(500))
        counts = shadow.counts()
        assert (counts.offered, counts.waiting, counts.dropped) == (2502, 2001, 501)
        end = shadow.close()
    assert end == (2502, 0, 1, 0, 2501, 0)


def test_a_process_that_ends_is_started_again_some_times(
    model: Path, tmp_path: Path, warn: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch.shadow.shadow.PAUSES_S", (0.1, 0.2))
    with shadow_of(model, tmp_path, warn) as shadow:
        for number in range(3):
            shadow.offer([f"a{number}"], "r", [{"x": 0.0, "do": "abort"}])
            wait_for(shadow, failed=number + 1)
        wait_until(lambda: len(warn.texts) == 3, "it is given up")
        shadow.offer(names(2), "r", rows_of(2))
        assert shadow.counts() == (5, 0, 3, 0, 2, 0)
        assert not shadow.is_up
    assert warn.texts == [
        "Shadow: its process ended with status -6. It is started again in 0.1 s.",
        "Shadow: its process ended with status -6. It is started again in 0.2 s.",
        "Shadow: its process ended with status -6. It ended too often, and stays off.",
    ]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("way", ["close", "close and hang"])
def test_a_process_that_has_closed_its_socket_need_not_end_by_itself(
    model: Path, tmp_path: Path, warn: Warnings, way: str
) -> None:
    """It may be stopped, for its share of CPU time, between closing and ending."""
    with shadow_of(model, tmp_path, warn) as shadow:
        shadow.offer(["a"], "r", [{"x": 0.0, "do": way}])
        wait_for(shadow, failed=1, waiting=0)
        wait_until(lambda: bool(warn.texts), "it warns")
    # The first one ends with 1 if it goes on, and is killed if it stops itself only after that.
    [text] = warn.texts
    assert text in {
        f"Shadow: its process ended with status {status}. It is started again in 0.1 s."
        for status in (1, -9)
    }


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("hang", "its process has answered nothing for 2 s and was killed."),
        ("spin", "its process has answered nothing for 2 s and was killed."),
        ("flood", "its process has answered nothing for 2 s and was killed."),
        ("half", "its process ended with status -9."),
        ("scribble", "its process sent something else than messages: "),
        ("miscount", "its process sent something else than messages: counts that are no numbers"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_process_that_does_not_answer_is_replaced(
    model: Path, tmp_path: Path, warn: Warnings, way: str, reason: str
) -> None:
    with shadow_of(model, tmp_path, warn) as shadow:
        shadow.offer(["a"], "r", [{"x": 0.0, "do": way}])
        wait_for(shadow, failed=1)
        shadow.offer(["b"], "r", rows_of(1))
        wait_for(shadow, failed=1, written=1, waiting=0)
    [text] = warn.texts
    assert text.startswith(f"Shadow: {reason}")


def test_after_a_restart_the_others_are_answered(
    model: Path, tmp_path: Path, warn: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch.shadow.shadow.PAUSES_S", (0.1,))
    with shadow_of(model, tmp_path, warn) as shadow:
        shadow.offer(["a"], "r", [{"x": 0.0, "do": "abort"}])
        shadow.offer(names(50), "r", rows_of(50))
        wait_for(shadow, failed=1, written=50, waiting=0)


def test_a_process_that_does_not_read_is_killed(
    model: Path, tmp_path: Path, warn: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch.shadow.child._MESSAGE_S", 1)
    monkeypatch.setattr("modelwatch.shadow.shadow.PAUSES_S", ())
    with shadow_of(model, tmp_path, warn) as shadow:
        wait_until(lambda: shadow.is_up, "it is up")
        [process] = children()
        os.kill(process, signal.SIGSTOP)
        shadow.offer(["a"], "r", [{"x": 0.0, "note": "x" * 2_000_000}])
        wait_for(shadow, failed=1, waiting=0)
        wait_until(lambda: bool(warn.texts), "it warns")
    [text] = warn.texts
    assert text.startswith("Shadow: its process does not read and was killed")


def test_closing_ends_a_process_that_does_not_read(
    model: Path, tmp_path: Path, warn: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch.shadow.shadow._CLOSE_S", 0.5)
    monkeypatch.setattr("modelwatch.shadow.child._MESSAGE_S", 600)
    with shadow_of(model, tmp_path, warn) as shadow:
        wait_until(lambda: shadow.is_up, "it is up")
        [process] = children()
        os.kill(process, signal.SIGSTOP)
        shadow.offer(["a"], "r", [{"x": 0.0, "note": "x" * 2_000_000}])
        wait_until(lambda: shadow._queued == 0, "it is being sent")  # noqa: SLF001
        assert shadow.close() == (1, 0, 1, 0, 0, 0)
    assert children() == []


def test_closing_writes_what_is_answered(model: Path, tmp_path: Path, warn: Warnings) -> None:
    with shadow_of(model, tmp_path, warn, flush_s=3600) as shadow:
        wait_until(lambda: shadow.is_up, "it is up")
        shadow.offer(["a"], "r", rows_of(1))
        wait_until(lambda: shadow._queued == 0, "the process has it")  # noqa: SLF001
        assert shadow.close() == (1, 1, 0, 0, 0, 0)
    assert set(answers(tmp_path)) == {"a"}


def test_closing_before_the_challenger_is_open_waits_for_nothing(
    model: Path, tmp_path: Path, warn: Warnings
) -> None:
    with shadow_of(model, tmp_path, warn) as shadow:
        shadow.offer(["a"], "r", rows_of(1))
        assert shadow.close() == (1, 0, 0, 0, 1, 0)
    assert warn.texts == []


def test_answers_that_the_store_does_not_take_are_counted(
    model: Path, tmp_path: Path, warn: Warnings
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with shadow_of(model, tmp_path / "file", warn) as shadow:
        shadow.offer(["a", "b"], "r", rows_of(2))
        wait_until(lambda: bool(warn.texts), "the log warns")
        assert shadow.counts().waiting == 2
        assert shadow.close() == (2, 0, 0, 2, 0, 0)
    assert warn.texts[0].startswith("Shadow: The prediction log cannot be written: ")


def test_a_process_takes_no_more_cpu_time_than_its_share(
    model: Path, tmp_path: Path, warn: Warnings
) -> None:
    began = time.monotonic()
    with shadow_of(model, tmp_path, warn, cpu_share=0.2) as shadow:
        wait_until(lambda: shadow.is_up, "it is up")
        shadow.offer(["a"], "r", [{"x": 0.0, "do": "spin"}])
        [process] = children()
        time.sleep(3)
        used = time.clock_gettime((~process << 3) | 2)
        # What it may save up, and what it may take before that is seen.
        assert used <= 0.2 * (time.monotonic() - began + 1) + 0.3


def test_the_process_has_nothing_of_the_service(
    model: Path, tmp_path: Path, warn: Warnings
) -> None:
    with (tmp_path / "open").open("wb") as file:
        os.set_inheritable(file.fileno(), True)
        with shadow_of(model, tmp_path, warn) as shadow:
            wait_until(lambda: shadow.is_up, "it is up")
            [process] = children()
            files = [str(path.readlink()) for path in sorted(Path(f"/proc/{process}/fd").iterdir())]
            sockets = [one for one in files if one.startswith("socket:")]
            assert len(sockets) == 1
            assert str(tmp_path / "open") not in files
            assert os.getsid(process) == process != os.getsid(0)
            assert os.getpriority(os.PRIO_PROCESS, process) == 19
            # Signals to the group of the service, such as Control-C, do not reach it.
            assert os.getpgid(process) != os.getpgid(0)
