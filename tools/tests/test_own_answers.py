"""Which answers `make own` takes, and what it makes of marked parts."""

import pytest
from own_answers import QUESTIONS, InvalidAnswerError
from own_clouds import MarkError, keep_parts, unwanted_paths

CHECKS = {question.name: question.check for question in QUESTIONS}

TAKEN = [
    ("organization", "Acme Ltd.", "Acme Ltd."),
    ("organization", "Société Générale & Co", "Société Générale & Co"),
    ("repository", "https://github.com/acme/predictions", "https://github.com/acme/predictions"),
    ("repository", "https://github.com/acme/p.git", "https://github.com/acme/p"),
    ("repository", "https://github.com/acme/p/", "https://github.com/acme/p"),
    ("repository", "git@github.com:acme/p.git", "https://github.com/acme/p"),
    ("repository", "ssh://git@git.acme.test/acme/p", "https://git.acme.test/acme/p"),
    ("domain", "ml.acme.com", "ml.acme.com"),
    ("contact", "ml+security@acme.co.uk", "ml+security@acme.co.uk"),
    ("team", "@acme/ml", "@acme/ml"),
    ("team", "@somebody", "@somebody"),
    ("team", "ml@acme.com", "ml@acme.com"),
    ("clouds", "gcp", frozenset({"gcp"})),
    ("clouds", "AWS, gcp", frozenset({"gcp", "aws"})),
    ("clouds", "none", frozenset()),
    ("licence", "Apache", "apache"),
    ("licence", "proprietary", "proprietary"),
]
REFUSED = [
    ("organization", 'Acme "The Best"', "is not a name"),
    ("organization", "a" * 81, "is not a name"),
    ("organization", "Acme\x1b[31m", "is not a name"),
    ("repository", "github.com/acme/p", "is not the address of a repository"),
    ("repository", "http://github.com/acme/p", "is not the address of a repository"),
    ("repository", "https://github.com/acme", "is not the address of a repository"),
    ("repository", "https://github.com/acme/p/tree/main", "is not the address of a repository"),
    ("repository", "https://github.com/acme/$(id)", "is not the address of a repository"),
    ("domain", "https://ml.acme.com", "is not a domain of yours"),
    ("domain", "*.acme.com", "is not a domain of yours"),
    ("domain", "ML.acme.com", "is not a domain of yours"),
    ("domain", "acme", "is not a domain of yours"),
    ("domain", "ml.example.org", "is not a domain of yours"),
    ("contact", "security", "is not a mail address"),
    ("contact", "security@example.com", "is not a mail address"),
    ("team", "acme/ml", "is not an owner of code"),
    ("team", "@acme ml", "is not an owner of code"),
    ("clouds", "azure", "azure: no such cloud. Name one or several of aws gcp, or none."),
    ("clouds", "none gcp", "none: no such cloud"),
    ("licence", "MIT", "is neither apache nor proprietary"),
]


@pytest.mark.parametrize(("name", "text", "answer"), TAKEN)
def test_an_answer_that_fits_is_taken(name: str, text: str, answer: object) -> None:
    assert CHECKS[name](text) == answer


@pytest.mark.parametrize(("name", "text", "message"), REFUSED)
def test_another_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(InvalidAnswerError) as refused:
        CHECKS[name](text)
    assert message in str(refused.value)


MARKED = """\
jobs:
  # begin cloud: gcp
  - gke
  # end cloud
  - both # only cloud: gcp aws
  - eks # only cloud: aws
<!-- begin cloud: template -->
ours
<!-- end cloud -->
| a | b <!-- only cloud: aws --> |
"""


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"gcp"}, "jobs:\n  - gke\n  - both\n"),
        ({"aws"}, "jobs:\n  - both\n  - eks\n| a | b |\n"),
        ({"gcp", "aws"}, "jobs:\n  - gke\n  - both\n  - eks\n| a | b |\n"),
        (set(), "jobs:\n"),
    ],
)
def test_parts_of_unwanted_clouds_go_and_marks_go_always(wanted: set[str], kept: str) -> None:
    assert keep_parts(MARKED, wanted) == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# begin cloud: azure\n# end cloud\n", "line 1: there is no cloud azure"),
        ("x # only cloud: gke\n", "line 1: there is no cloud gke"),
        ("# begin cloud: gcp\n", "a part does not end"),
        ("\n# end cloud\n", "line 2: no part begins before its end"),
        ("# begin cloud: gcp\n# begin cloud: aws\n", "line 2: a part begins inside of another"),
    ],
)
def test_marks_that_do_not_fit_are_refused(text: str, message: str) -> None:
    with pytest.raises(MarkError) as refused:
        keep_parts(text, {"gcp"})
    assert str(refused.value) == message


PATHS = [
    "deploy/terraform/aws/main.tf",
    "deploy/terraform/gcp/main.tf",
    "deploy/terraform/terraform.mk",
    "deploy/tests/terraform/schemas/google.json",
    "docs/deploy-eks.md",
    "AWS-Costs/src/aws/model.py",
    "AWS-Costs/deploy/overlays/eks.yaml",
    "libs/modelseal/src/modelseal/aws.py",
]


@pytest.mark.parametrize(
    ("wanted", "indexes"),
    [({"gcp"}, [0, 4, 6]), ({"aws"}, [1, 3]), ({"gcp", "aws"}, []), (set(), [0, 1, 2, 3, 4, 6])],
)
def test_only_files_of_the_deployment_belong_to_a_cloud(
    wanted: set[str], indexes: list[int]
) -> None:
    assert list(unwanted_paths(PATHS, wanted)) == [PATHS[index] for index in indexes]
