"""The golden set: texts for which a sealed model must repeat its answers of training time.

The texts are synthetic, because many people can read a manifest.
"""

from typing import Final

from modelseal import Agreement, GoldenSet, SealError, Tolerance

from nlpinsight.model import SentimentModel
from nlpinsight.sample import generate_sample
from nlpinsight.schema import EXAMPLES

_SAMPLES: Final = 16
_SEED: Final = 7

# Outputs that are one answer by several code paths, and their maximum difference on one machine:
# sums of the same numbers in another order.
_EQUAL_OUTPUTS: Final = (("single_scores", "batch_scores"), ("decision", "explained_decision"))
_MAX_DIFFERENCE: Final = 1e-9

# Suffixes of outputs that may differ between machines.
_MACHINE_DEPENDENT: Final = ("_scores", "decision")

# Minimum gap between the two best scores, in tolerances: below it, another processor might
# correctly give another label.
_MARGIN: Final = 4

# Difficult texts: negation, ambiguous words, marks, other scripts, characters that normalisation
# removes, one word, one mark, and more than any model reads.
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
    """Texts of every label, difficult texts, and generated texts."""
    return [*EXAMPLES, *_TRICKY, *generate_sample(_SAMPLES, seed=_SEED).texts]


def make_golden_set(model: SentimentModel) -> GoldenSet:
    """Texts and a loaded model's answers.

    Texts without a clear label are left out, because another processor might give another label.

    Raises:
        SealError: No text has a clear label.
    """
    scores = model.scores(golden_texts())
    scores.sort(axis=1)
    clear = scores[:, -1] - scores[:, -2] > _MARGIN * model.tolerance
    inputs = tuple(
        text for text, is_clear in zip(golden_texts(), clear.tolist(), strict=True) if is_clear
    )
    if not inputs:
        raise SealError(
            "The model prefers no label for any golden text, so no check could recognise it.",
            remedy="Train it longer, or on more texts.",
        )
    outputs = {name: tuple(values) for name, values in model.replay(inputs).items()}
    score_tolerance = Tolerance(absolute=model.tolerance)
    return GoldenSet(
        inputs=inputs,
        outputs=outputs,
        tolerances={
            name: score_tolerance if name.endswith(_MACHINE_DEPENDENT) else Tolerance()
            for name in outputs
        },
        agreements=tuple(
            Agreement(outputs=paths, tolerance=Tolerance(absolute=_MAX_DIFFERENCE))
            for paths in _EQUAL_OUTPUTS
            if all(path in outputs for path in paths)
        ),
    )
