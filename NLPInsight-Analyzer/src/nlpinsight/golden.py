"""The texts that a sealed model must answer as it did when it was trained.

They are made up: a manifest is read by many, and what a model learned from does not belong in it.
"""

from typing import Final

from modelseal import Agreement, GoldenSet, SealError, Tolerance

from nlpinsight.model import SentimentModel
from nlpinsight.sample import generate_sample

__all__ = ["golden_texts", "make_golden_set"]

_SAMPLES: Final = 16
_SEED: Final = 7

# Outputs that are one answer by several paths, and how far these may be apart on one machine: sums
# of the same numbers in another order.
_SAME: Final = (("single_scores", "batch_scores"), ("decision", "explained_decision"))
_APART: Final = 1e-9

# The ends of the names of outputs that may move from machine to machine.
_MAY_MOVE: Final = ("_scores", "decision")

# How much further apart than the tolerance the two best scores must be: below, another processor
# might rightly give another label.
_MARGIN: Final = 4

_PLAIN: Final = (
    "Acme beats estimates and raises its outlook for the year",
    "Acme misses estimates and cuts its outlook for the year",
    "Acme to report second-quarter results on Thursday",
    "Shares rally to a record high after strong earnings",
    "Shares plunge after the company warns of heavy losses",
    "The board meets in Stockholm on 12 May",
    "Operating profit rose to EUR 13.1 mn from EUR 8.7 mn a year earlier",
    "Net sales fell by 12% and the company will lay off 400 employees",
    "The company has 1,200 employees in 14 countries",
)

# Where reading a text goes wrong: negation, the sense of a word, marks, other scripts, what is
# normalised away, one word, one mark, and much more than any model reads.
_TRICKY: Final = (
    "The loss was not as bad as feared",
    "Profit did not fall, but it did not rise either",
    "$AAPL -5.3% pre-market #earnings @trader https://t.co/abc123",
    "$TSLA 🚀🚀🚀",
    "\uff21\uff23\uff2d\uff25 \uff42\uff45\uff41\uff54\uff53 \uff15\uff10\uff05",  # full-width
    "Socie\u0301te\u0301 Ge\u0301ne\u0301rale: be\u0301ne\u0301fice en hausse",
    "ارتفعت أرباح الشركة",
    "利益が大幅に増加した",
    "pro\u200bfit wa\u00adrning\u2060 issued\x00 by\u202e Acme",
    "UPGRADE!!!",
    "?",
    "a",
    "Q1 2019 EPS $0.42 vs. $0.39 (est.); rev. $1.2B vs. $1.1B",
    "Costs rise less than revenue, debt falls and the dividend is cut " * 40,
    "Zxqvk wprtl mnbqz",
    "x" * 12_000,
)


def golden_texts() -> list[str]:
    """Texts of every label and from every region, and ordinary headlines."""
    return [*_PLAIN, *_TRICKY, *generate_sample(_SAMPLES, seed=_SEED).texts]


def make_golden_set(model: SentimentModel) -> GoldenSet:
    """Texts, and what a model in memory answers to them.

    Texts between two labels are left out: their label would be a coin's toss on another processor.

    Raises:
        SealError: All of them are.
    """
    scores = model.scores(golden_texts())
    scores.sort(axis=1)
    clear = scores[:, -1] - scores[:, -2] > _MARGIN * model.tolerance
    inputs = tuple(
        text for text, is_clear in zip(golden_texts(), clear.tolist(), strict=True) if is_clear
    )
    if not inputs:
        raise SealError(
            "The model prefers no label for any golden text: nothing could tell it from another.",
            remedy="Train it longer, or on more texts.",
        )
    outputs = {name: tuple(values) for name, values in model.replay(inputs).items()}
    scores_may_move = Tolerance(absolute=model.tolerance)
    return GoldenSet(
        inputs=inputs,
        outputs=outputs,
        tolerances={
            name: scores_may_move if name.endswith(_MAY_MOVE) else Tolerance() for name in outputs
        },
        agreements=tuple(
            Agreement(outputs=paths, tolerance=Tolerance(absolute=_APART))
            for paths in _SAME
            if all(path in outputs for path in paths)
        ),
    )
