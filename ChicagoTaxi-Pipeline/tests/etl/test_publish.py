import signal
import subprocess
import sys
from pathlib import Path

import pytest
from chicagotaxi.etl.publish import publish, recover, staging
from kill_in_publish import MONTHS, fill
from servicekit.files import DataError

SCRIPT = Path(__file__).parents[1] / "kill_in_publish.py"


def state(out: Path) -> dict[str, set[str]]:
    """What each place holds: the names and contents of its files."""
    return {
        place: {f"{path.name}: {path.read_text()}" for path in (out / place).iterdir()}
        for place in MONTHS
        if (out / place).is_dir()
    } | {"status": {(out / "status.json").read_text()}}


def whole(run_id: str) -> set[str]:
    return {f"{run_id}-0.parquet: {run_id}", f"{run_id}-1.parquet: {run_id}"}


def expected(run_id: str) -> dict[str, set[str]]:
    return {place: whole(run_id) for place in MONTHS} | {"status": {run_id}}


def left_behind(out: Path) -> list[str]:
    return [path.name for path in out.iterdir() if path.name.startswith((".staging", ".journal"))]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_run_that_is_killed_at_any_point_leaves_the_old_output_or_the_new(
    tmp_path: Path, *, can_exchange: bool
) -> None:
    seen = set()
    for calls in range(200):
        out = tmp_path / str(calls)
        fill(out, "old")
        command = [sys.executable, str(SCRIPT), str(out), str(calls), str(can_exchange)]
        code = subprocess.run(command, check=False).returncode
        months = state(out)
        if can_exchange:
            # Even before anything is mended, each month is there, and whole.
            assert all(months[place] in (whole("old"), whole("new")) for place in MONTHS)
        # A reader that does not wait for the next run may put things in order itself.
        recover(out)
        mended = state(out)
        assert mended in (expected("old"), expected("new")), calls
        assert left_behind(out) == []
        seen.add(next(iter(mended["status"])))
        if code == 0:
            break
        assert code == -signal.SIGKILL
    else:
        pytest.fail("the exchange did not come to its end")
    assert seen == {"old", "new"}
    assert calls > 20


def test_new_months_are_added_to_the_old_ones(tmp_path: Path) -> None:
    (tmp_path / "trips" / "year=2022" / "month=1").mkdir(parents=True)
    with staging(tmp_path, "new") as folder:
        fill(folder, "new")
        publish(folder, [*MONTHS, "status.json"])
    assert state(tmp_path) == expected("new")
    assert (tmp_path / "trips" / "year=2022" / "month=1").is_dir()
    assert left_behind(tmp_path) == []


def test_an_error_before_the_exchange_leaves_nothing(tmp_path: Path) -> None:
    fill(tmp_path, "old")
    with pytest.raises(ValueError, match="a mistake"), staging(tmp_path, "new") as folder:  # noqa: PT012
        fill(folder, "new")
        raise ValueError("a mistake")
    assert state(tmp_path) == expected("old")
    assert left_behind(tmp_path) == []


def test_two_runs_cannot_write_to_one_folder_at_once(tmp_path: Path) -> None:
    with (
        staging(tmp_path, "one"),
        pytest.raises(DataError, match="Another run writes to"),
        staging(tmp_path, "two"),
    ):
        pass
    with staging(tmp_path, "three"):
        pass


def test_nothing_is_recovered_while_a_run_holds_the_lock(tmp_path: Path) -> None:
    with staging(tmp_path, "one") as folder:
        recover(tmp_path)
        assert folder.is_dir()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"), staging(tmp_path / "file" / "o", "x"):
        pass
    recover(tmp_path / "none")
