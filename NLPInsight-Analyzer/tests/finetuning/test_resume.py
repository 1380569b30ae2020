"""A training that was killed goes on where it stopped, and ends where it would have ended."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs: make train-env-NLPInsight-Analyzer")

import torch
from nlpinsight.data.corpus import Corpus
from nlpinsight.training.finetune_options import FinetuneOptions
from nlpinsight.training.finetuning.finetune import Finetuned, finetune
from nlpinsight.training.weights import Weights
from servicekit.files import DataError

OPTIONS = FinetuneOptions(
    folds=2,
    epochs=3,
    batch_size=8,
    max_length=16,
    learning_rate=1e-3,
    checkpoint_steps=5,
    threads=1,
)

PROGRAM = """
import sys, time
from pathlib import Path
from nlpinsight.sample import generate_sample
from nlpinsight.training.weights import find_weights
from nlpinsight.training.finetuning.finetune import finetune
from nlpinsight.training.finetune_options import FinetuneOptions

done = 0
def advance(amount, step):
    global done
    done += amount
    print(done, flush=True)
    time.sleep(0.02)  # so that there is time to be killed

learning = generate_sample(360, seed=11)
finetune(
    learning.texts, learning.labels, weights=find_weights(sys.argv[1]),
    options=FinetuneOptions(**eval(sys.argv[3])), work=Path(sys.argv[2]), advance=advance,
)
"""

Train = Callable[..., Finetuned]


@pytest.fixture(scope="module")
def train(tiny_weights: Weights, learning: Corpus) -> Train:
    def run(work: Path, options: FinetuneOptions = OPTIONS, **more: object) -> Finetuned:
        return finetune(
            learning.texts,
            learning.labels,
            weights=tiny_weights,
            options=options,
            work=work,
            **more,  # type: ignore[arg-type]
        )

    return run


@dataclass(frozen=True)
class Whole:
    """A training that nobody interrupted, and where it lies."""

    ended: Finetuned
    work: Path

    def copied(self, folder: Path) -> Path:
        """A copy of the folder, which a test may go on in."""
        return Path(shutil.copytree(self.work, folder / "uninterrupted"))


@pytest.fixture(scope="module")
def uninterrupted(train: Train, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    work = tmp_path_factory.mktemp("whole")
    return Whole(train(work), work)


class Interrupted(Exception):  # noqa: N818 - no error
    pass


class Steps:
    """Counts all steps, and those of them that are trained now; stops after one if asked to."""

    def __init__(self, until: int | None = None) -> None:
        self.done = 0
        self.trained: list[int] = []
        self.until = until

    def __call__(self, amount: float = 1, step: str | None = None) -> None:
        self.done += int(amount)
        if "loss" in str(step):
            self.trained.append(self.done)
            if self.until is not None and self.done > self.until:
                raise Interrupted


def assert_same(one: Finetuned, other: Finetuned) -> None:
    assert one.losses == other.losses
    assert one.members == other.members
    assert np.array_equal(one.held_out.decisions, other.held_out.decisions)
    assert np.array_equal(one.held_out.known, other.held_out.known)
    state = other.network.state_dict()
    for name, value in one.network.state_dict().items():
        assert torch.equal(value, state[name]), name


# Each of two members takes 69 steps, the training on all texts 135.
@pytest.mark.parametrize(
    "killed_after",
    [
        pytest.param(7, marks=pytest.mark.nightly),
        95,
        pytest.param(170, marks=pytest.mark.nightly),
    ],
)
def test_a_killed_training_ends_as_one_that_was_not(
    *,
    killed_after: int,
    train: Train,
    uninterrupted: Whole,
    tiny_weights: Weights,
    tmp_path: Path,
) -> None:
    work = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tiny_weights.folder, work, repr(asdict(OPTIONS))],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if int(line) >= killed_after:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    steps = Steps()
    resumed = train(work, advance=steps)
    assert killed_after - OPTIONS.checkpoint_steps < steps.trained[0] <= killed_after + 5
    assert steps.done == 273
    assert resumed.resumed == 1
    assert_same(resumed, uninterrupted.ended)


def test_interrupted_at_every_checkpoint_it_still_ends_the_same(
    train: Train, uninterrupted: Whole, tmp_path: Path
) -> None:
    work, times, ended = tmp_path / "often", 0, None
    while ended is None:
        try:
            ended = train(work, advance=Steps(until=10 * (times + 1)))
        except Interrupted:
            times += 1
    assert times > 5
    # One that comes before the first checkpoint of a training finds nothing to go on with.
    assert times - 2 <= ended.resumed <= times
    assert_same(ended, uninterrupted.ended)


def test_a_finished_training_is_not_repeated(
    train: Train, uninterrupted: Whole, tmp_path: Path
) -> None:
    steps = Steps()
    work = uninterrupted.copied(tmp_path)
    again = train(work, advance=steps)
    assert steps.trained == []
    assert steps.done == 273
    assert again.resumed == 0
    assert_same(again, uninterrupted.ended)


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"learning_rate": 2e-3}, {"epochs": 2}, {"folds": 3}]
)
def test_another_training_is_not_continued(
    change: dict[str, float], train: Train, uninterrupted: Whole, tmp_path: Path
) -> None:
    work = uninterrupted.copied(tmp_path)
    with pytest.raises(DataError, match=r"state of another training.*--work"):
        train(work, options=replace(OPTIONS, **change))  # type: ignore[arg-type]


def test_other_texts_are_another_training(
    uninterrupted: Whole, tiny_weights: Weights, learning: Corpus, tmp_path: Path
) -> None:
    work = uninterrupted.copied(tmp_path)
    texts = [*learning.texts[1:], learning.texts[0]]
    with pytest.raises(DataError, match="state of another training"):
        finetune(
            texts,
            learning.labels,
            weights=tiny_weights,
            options=OPTIONS,
            work=work,
        )


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty"])
def test_a_damaged_state_is_refused(damage: str, train: Train, tmp_path: Path) -> None:
    train(tmp_path, options=replace(OPTIONS, epochs=1))
    path = tmp_path / "final.pt"
    whole = path.read_bytes()
    path.write_bytes({"truncate": whole[:-1000], "garbage": b"\x00" * 99, "empty": b""}[damage])
    with pytest.raises(DataError, match="cannot be read as the state of a training"):
        train(tmp_path, options=replace(OPTIONS, epochs=1))


def test_a_state_that_would_run_code_is_refused(train: Train, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"format": 2, "identity": Evil()}, tmp_path / "member-1.pt", pickle_module=pickle)
    with pytest.raises(DataError, match="cannot be read"):
        train(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_what_a_kill_left_while_saving_is_removed(train: Train, tmp_path: Path) -> None:
    for name in (".member-1.pt-0123456789abcdef.tmp", ".member-1.pt-0123456789abcdef.tmp-new.pt"):
        (tmp_path / name).write_bytes(b"half of a state")
    train(tmp_path, options=replace(OPTIONS, epochs=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "final.pt",
        "member-1.pt",
        "member-2.pt",
    ]


def test_the_interval_of_checkpoints_may_change(
    train: Train, uninterrupted: Whole, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train(tmp_path, advance=Steps(until=12))
    ended = train(tmp_path, options=replace(OPTIONS, checkpoint_steps=1000))
    assert ended.resumed == 1
    assert ended.losses == uninterrupted.ended.losses
