import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from nlpinsight.data.leakage import wording
from nlpinsight.data.split import split
from nlpinsight.sample import DISAGREEMENT, MAX_TEXTS, generate_sample
from nlpinsight.schema import LABELS
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.linear_pipeline import fit_pipeline


def test_the_default_sample_has_over_3000_different_texts_in_three_labels() -> None:
    sample = generate_sample()

    assert len({wording(text) for text in sample.texts}) == len(sample) >= 3000
    counts = Counter(sample.labels)
    assert all(counts[label] > len(sample) / 6 for label in LABELS)
    assert sample.source == "generated sample, seed 42"


def test_the_same_seed_gives_the_same_sample_in_another_process() -> None:
    code = (
        "import json; from nlpinsight.sample import generate_sample as g;"
        "print(json.dumps(g(50, seed=9).texts))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert tuple(json.loads(ran.stdout)) == generate_sample(50, seed=9).texts
    assert generate_sample(50, seed=9).texts != generate_sample(50, seed=8).texts


def test_a_longer_sample_begins_with_the_shorter_one() -> None:
    assert generate_sample(500).texts[:100] == generate_sample(100).texts


def test_a_model_learns_the_sample_and_cannot_know_it_all() -> None:
    inside, outside = split(generate_sample(3000, seed=1))

    pipeline = fit_pipeline(inside.texts, inside.targets)
    right = pipeline.predict(normalise_all(outside.texts)) == outside.targets

    assert 0.75 < np.mean(right) < 1 - DISAGREEMENT / 2


@pytest.mark.parametrize("texts", [0, MAX_TEXTS + 1])
def test_what_the_grammar_cannot_give_is_refused(texts: int) -> None:
    with pytest.raises(ValueError, match="The grammar gives 1 to"):
        generate_sample(texts)
