"""The pinned libraries fit each other."""

import numpy as np
from sklearn.linear_model import LogisticRegression


def test_a_first_model_trains_without_a_warning() -> None:
    # pytest turns warnings into errors.
    inputs = np.random.default_rng(0).normal(size=(200, 4))
    model = LogisticRegression().fit(inputs, inputs[:, 0] > 0)

    assert model.coef_[0].argmax() == 0
