"""The estimator: four tree ensembles under a logistic regression."""

from typing import Any

from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from xgboost import XGBClassifier

from careless.features import CATEGORIES, NUMBERS


def make_pipeline(trees: int, *, seed: int) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """An unfitted pipeline.

    Args:
        trees: Number of trees in each ensemble.
        seed: Random seed.
    """
    prepare = ColumnTransformer(
        [
            ("numbers", SimpleImputer(strategy="median"), list(NUMBERS)),
            ("categories", OrdinalEncoder(), list(CATEGORIES)),
        ]
    )
    common: dict[str, Any] = {"n_estimators": trees, "random_state": seed}
    learners = [
        ("forest", RandomForestClassifier(max_depth=8, min_samples_leaf=5, **common)),
        ("gradient", GradientBoostingClassifier(**common)),
        ("xgboost", XGBClassifier(max_depth=3, learning_rate=0.1, n_jobs=1, **common)),
        ("lightgbm", LGBMClassifier(num_leaves=10, n_jobs=1, verbose=-1, **common)),
    ]
    stack = StackingClassifier(learners, LogisticRegression(), cv=3)
    return Pipeline([("prepare", prepare), ("stack", stack)])
