"""Services are removed and renamed whole, or not at all."""

import subprocess
from collections.abc import Callable

import pytest
from copies import ROOT, SERVICES, Repository
from service_files import Service
from service_names import package_of, unused_name

Copy = Callable[[], Repository]
EACH = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
UNUSED = unused_name(SERVICES)
OTHERS = pytest.mark.skipif(len(SERVICES) < 2, reason="there is one service only")


def write_derived_files(repository: Repository) -> None:
    """Do what make does after the tool."""
    documents = ("README.md", "bench/serving/README.md")
    written = (*documents, "deploy/images/README.md", "deploy/kubernetes/README.md")
    for command in (
        (str(ROOT / "deploy/.venv/bin/python"), "tools/derived_files.py"),
        (str(ROOT / ".tools/check/bin/cog"), "-r", *written),
    ):
        subprocess.run(command, cwd=repository.root, capture_output=True, check=True)


@OTHERS
@EACH
def test_after_a_removal_nothing_names_the_service(copy: Copy, service: Service) -> None:
    repository = copy()

    done = repository.run("remove_service.py", service.name)

    assert done.returncode == 0, done.stderr
    assert [one.name for one in repository.services()] == [
        one.name for one in SERVICES if one.name != service.name
    ]
    write_derived_files(repository)
    assert repository.mentions_package(service.package) == []
    assert repository.mentions(service.name) == []
    assert not (repository.root / service.name).exists()


@OTHERS
@EACH
def test_services_are_removed_until_one_is_left(copy: Copy, service: Service) -> None:
    repository = copy()
    for other in SERVICES:
        if other.name != service.name:
            assert repository.run("remove_service.py", other.name).returncode == 0
            repository.commit()

    done = repository.run("remove_service.py", service.name)

    assert done.returncode == 2
    assert f"{service.name} is the only service. Add another one first" in done.stderr
    assert (repository.root / service.name / "service.toml").is_file()


@OTHERS
def test_what_git_does_not_know_is_left_and_named(copy: Copy) -> None:
    repository, service = copy(), SERVICES[0]
    model = repository.root / service.name / "models" / "mine"
    model.parent.mkdir()
    model.write_text("trained for hours")
    (repository.root / service.name / ".venv").mkdir()

    done = repository.run("remove_service.py", service.name)

    assert done.returncode == 0, done.stderr
    assert model.read_text() == "trained for hours"
    assert [path.name for path in model.parent.parent.iterdir()] == ["models"]
    assert f"{service.name} still has files that git does not know: models" in done.stdout


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("remove_service.py", (SERVICES[0].name,)),
        ("rename_service.py", (SERVICES[0].name, "Other-Name")),
        ("merge_upstream.py", (".",)),
    ],
)
def test_a_tree_with_changes_is_refused(copy: Copy, tool: str, arguments: tuple[str, ...]) -> None:
    repository = copy()
    if tool.startswith("remove") and len(SERVICES) == 1:
        pytest.skip("there is one service only")
    (repository.root / "README.md").write_text("changed")

    done = repository.run(tool, *arguments)

    assert done.returncode == 2
    assert "There are changes that are not committed: README.md. Commit or stash" in done.stderr
    assert repository.git("status", "--porcelain") == " M README.md\n"


@pytest.mark.parametrize("tool", ["remove_service.py", "rename_service.py"])
def test_an_unknown_service_is_refused_with_the_known_ones(copy: Copy, tool: str) -> None:
    arguments = ("No-Service",) if tool.startswith("remove") else ("No-Service", "Other-Name")

    done = copy().run(tool, *arguments)

    assert done.returncode == 2
    known = ", ".join(service.name for service in SERVICES)
    assert f"There is no service 'No-Service'. Name one of {known}" in done.stderr


@EACH
def test_after_a_renaming_nothing_has_the_old_name(copy: Copy, service: Service) -> None:
    repository = copy()

    done = repository.run("rename_service.py", service.name, UNUSED)

    assert done.returncode == 0, done.stderr
    renamed = next(one for one in repository.services() if one.name == UNUSED)
    assert renamed.package == package_of(UNUSED)
    assert (renamed.folder / "src" / renamed.package / "__main__.py").is_file()
    write_derived_files(repository)
    repository.git("add", "--all")
    assert repository.mentions_package(service.package) == []
    assert repository.mentions(service.name) == []
    old = repository.git("diff", "--cached", "--numstat", "--no-renames", "--diff-filter=A")
    assert len(old.splitlines()) > 20


def test_a_package_that_is_a_word_of_texts_is_renamed_in_its_folder_only(copy: Copy) -> None:
    once, twice = copy(), copy()
    # Not written out: here, the name would be renamed too.
    word = f"Model-{UNUSED.partition('-')[2]}"
    assert once.run("rename_service.py", SERVICES[0].name, UNUSED).returncode == 0
    assert twice.run("rename_service.py", SERVICES[0].name, word).returncode == 0
    twice.commit()

    done = twice.run("rename_service.py", word, UNUSED)

    assert done.returncode == 0, done.stderr
    once.git("add", "--all")
    others = [path for path in once.git("ls-files").splitlines() if not path.startswith(UNUSED)]
    assert [
        path
        for path in others
        if (once.root / path).read_bytes() != (twice.root / path).read_bytes()
    ] == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("credit-risk", "'credit-risk' is not a name of words"),
        ("Credit", "'Credit' is not a name of words"),
        ("Credit Risk", "'Credit Risk' is not a name of words"),
        ("Crédit-Risk", "is not a name of words"),
        ("../Credit-Risk", "is not a name of words"),
        ("A" * 39 + "-B", "of at most 40 characters"),
        ("A" * 21 + "-B", "would have more than 20 characters"),
        ("Json-Service", "The package json would hide a name of Python"),
        ("Class-Service", "The package class would hide a name of Python"),
        ("Pandas-Service", "The package pandas would hide a library"),
        ("Sklearn-Service", "The package sklearn would hide a library"),
        ("Servicekit-Service", "The package servicekit would hide a library"),
        (SERVICES[0].name, f"There is a folder {SERVICES[0].name} already"),
    ],
)
def test_a_name_that_does_not_fit_is_refused(copy: Copy, name: str, problem: str) -> None:
    repository = copy()

    done = repository.run("rename_service.py", SERVICES[0].name, name)

    assert done.returncode == 2
    assert problem in done.stderr
    assert repository.git("status", "--porcelain") == ""
