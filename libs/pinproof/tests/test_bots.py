"""What update bots are known to make of a pin, fed to the checker."""

from collections.abc import Callable, Mapping

import pytest

Violations = Callable[[Mapping[str, str]], list[str]]

BAD = [
    # Dependabot's default made a range of a pin with two segments, and dropped a segment of one.
    ("statsmodels~=1.13", "statsmodels>=1.13,<3.0", ["PIN001"]),
    ("sphinx~=5.0.0", "sphinx~=5.1", ["PIN002"]),
    # `versioning-strategy: widen`, in its forms.
    ("numpy~=1.26.4", "numpy>=1.26.4,<2.5", ["PIN001"]),
    ("numpy~=1.26.4", "numpy>=1.26.4,<2.5.0", ["PIN001"]),
    ("numpy~=1.26.4", "numpy>=1.26,<3", ["PIN001"]),
    ("numpy~=1.26.4", "numpy~=1.26", ["PIN002"]),
    ("numpy~=1.26.4", "numpy~=1.26.4,<3", ["PIN001"]),
    ("numpy~=1.26.4", "numpy~=1.26.4,!=2.0.0", ["PIN001"]),
    ("numpy~=1.26.4", "numpy==1.*", ["PIN001"]),
    # `pip-audit --fix`, and bots that lock.
    ("starlette~=0.46.2", "starlette==0.47.2", ["PIN001"]),
    ("starlette~=0.46.2", "starlette===0.47.2", ["PIN001"]),
    # A lower bound alone, which is how security fixes are often proposed.
    ("starlette~=0.46.2", "starlette>=0.47.2", ["PIN001"]),
    # One major segment, which is not a version specifier at all.
    ("numpy~=1.26.4", "numpy~=2", ["PIN001"]),
    # A new line next to the old one.
    ("numpy~=1.26.4", "numpy~=1.26.4\nnumpy~=2.4.0", ["PIN004"]),
    # From the repository in place of the index.
    ("numpy~=1.26.4", "numpy @ git+https://github.com/numpy/numpy@v2.4.0", ["PIN003"]),
]
GOOD = [
    # `versioning-strategy: increase` keeps the operator and the number of segments.
    ("numpy~=1.26.4", "numpy~=1.26.5"),
    ("numpy~=1.26.4", "numpy~=2.4.0"),
    ("sphinx~=5.0.0", "sphinx~=5.1.0"),
    ("certifi~=2026.6.0", "certifi~=2026.10.18"),
    ("xgboost~=2.1.3; sys_platform != 'linux'", "xgboost~=2.1.4; sys_platform != 'linux'"),
]


def codes(violations: list[str]) -> list[str]:
    return [violation.split()[1] for violation in violations]


@pytest.mark.parametrize(("before", "after", "expected"), BAD)
def test_a_bad_rewrite_is_refused(
    before: str, after: str, expected: list[str], violations: Violations
) -> None:
    del before  # It says what the bot was given.

    assert codes(violations({"requirements.txt": f"{after}\n"})) == expected


@pytest.mark.parametrize(("before", "after"), GOOD)
def test_a_good_rewrite_passes(before: str, after: str, violations: Violations) -> None:
    del before

    assert violations({"requirements.txt": f"{after}\n"}) == []


def test_a_rewrite_in_one_service_alone_is_refused(violations: Violations) -> None:
    found = violations({
        "one/requirements.txt": "numpy~=2.4.0\n",
        "two/requirements.txt": "numpy~=1.26.4\n",
        "three/requirements.txt": "numpy~=1.26.4\n",
    })  # fmt: skip

    assert set(codes(found)) == {"PIN006"}
