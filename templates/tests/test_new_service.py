import re
import signal
import subprocess
import time

import pytest
from copied import Repository
from service_files import services

NAME = "Zeppelin-Finder"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Zeppelin", "is not a name of words that begin with a capital"),
        ("zeppelin-finder", "is not a name of words that begin with a capital"),
        ("Zeppelin_Finder", "is not a name of words that begin with a capital"),
        ("../Zeppelin-Finder", "is not a name of words that begin with a capital"),
        ("Zeppelin-Finder\n", "is not a name of words that begin with a capital"),
        ("Zéppelin-Finder", "is not a name of words that begin with a capital"),
        ("", "is not a name of words that begin with a capital"),
        ("Json-Finder", "json would hide a name of Python"),
        ("Numpy-Finder", "numpy would hide a library"),
        ("Servicekit-Finder", "servicekit would hide a library"),
    ],
)
def test_a_name_that_does_not_fit_is_refused_and_nothing_is_written(
    unchanged: Repository, name: str, message: str
) -> None:
    done = unchanged.new_service(name)

    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.endswith("Choose another name: NAME=…\n")
    assert done.stdout == ""
    assert unchanged.changes() == []


def test_the_package_of_another_service_is_refused(
    unchanged: Repository,
) -> None:
    [other, *_] = services(unchanged.root)
    again = f"{other.name.partition('-')[0]}-Again"
    assert f"{other.name} has the package {other.package}." in unchanged.new_service(again).stderr

    assert unchanged.changes() == []


def test_a_folder_with_the_name_in_any_case_is_refused(repository: Repository) -> None:
    (repository.root / NAME.upper()).mkdir()
    assert "There is a folder Zeppelin-Finder already." in repository.new_service(NAME).stderr


def test_a_port_that_is_taken_or_none_is_refused_and_nothing_is_written(
    unchanged: Repository,
) -> None:
    [other, *_] = services(unchanged.root)
    for port, message in {
        str(other.port): f"{other.name} has the port {other.port}.",
        "80": "'80' is not a port from 1024 to 65535.",
        "65536": "'65536' is not a port from 1024 to 65535.",
        "٨٠٠٩": "'٨٠٠٩' is not a port from 1024 to 65535.",
        "http": "'http' is not a port from 1024 to 65535.",
    }.items():
        done = unchanged.new_service(NAME, "--port", port)
        assert done.returncode == 2
        assert f"make: {message} Choose another one: PORT=…" in done.stderr
    assert unchanged.changes() == []


@pytest.mark.parametrize("file", ["README.md", "notes.txt"], ids=["changed", "untracked"])
def test_uncommitted_changes_are_refused_and_named(repository: Repository, file: str) -> None:
    with (repository.root / file).open("a") as opened:
        opened.write("mine\n")
    before = repository.changes()

    done = repository.new_service(NAME)

    assert done.returncode == 2
    assert f"There are changes that are not committed: {file}." in done.stderr
    assert repository.changes() == before


def test_a_new_service_is_one_folder_with_the_lowest_free_port(repository: Repository) -> None:
    taken = {service.port for service in services(repository.root)}
    port = min({*range(8001, 9000)} - taken)

    done = repository.new_service(NAME)

    assert done.returncode == 0, done.stderr
    assert f"Made {NAME}: import package zeppelin, port {port}." in done.stdout
    assert repository.changes() == [f"?? {NAME}/"]
    [made] = [one for one in services(repository.root) if one.name == NAME]
    assert (made.package, made.port) == ("zeppelin", port)
    assert list((repository.root / ".cache").iterdir()) == []


def test_every_file_of_the_template_is_rendered_with_the_names_of_the_service(
    repository: Repository,
) -> None:
    assert repository.new_service(NAME, "--port", "9123").returncode == 0

    files = repository.files(NAME)
    template = repository.files("templates/service/template")
    assert set(files) == {path.replace("{{ package }}", "zeppelin") for path in template}
    left = [path for path, content in files.items() if re.search(rb"\{\{ |\{[%#]", content)]
    assert left == []
    assert files["deploy/base/zeppelin/settings.env"] == b"PORT=9123\n"
    assert b"containerPort: 9123" in files["deploy/base/zeppelin/deployment.yaml"]
    assert b"image: zeppelin-finder" in files["deploy/base/zeppelin/deployment.yaml"]
    assert b'title="Zeppelin Finder"' in files["src/zeppelin/api.py"]


def test_two_runs_render_the_same_bytes(repository: Repository) -> None:
    assert repository.new_service(NAME).returncode == 0
    first = repository.files(NAME)
    repository.git("clean", "-d", "--force", "--quiet", NAME)

    assert repository.new_service(NAME).returncode == 0

    assert repository.files(NAME) == first


def test_a_killed_run_leaves_nothing_and_the_next_one_works(repository: Repository) -> None:
    process = subprocess.Popen(repository.command(NAME), cwd=repository.root)
    try:
        deadline = time.monotonic() + 60
        while not list(repository.root.glob(f".cache/new-service-*/{NAME}/src/*/schema.py")):
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert not (repository.root / NAME).exists()
    assert repository.changes() == []

    assert repository.new_service(NAME).returncode == 0
    assert repository.changes() == [f"?? {NAME}/"]


# Where imports are sorted to and lines are broken depends on the name.
@pytest.mark.parametrize("name", ["Ax-B", "Zzzzzzzzzzzzzzzzzzzz-Abcdefghijklmnopqr", "R2D2-Finder"])
def test_what_is_rendered_passes_the_linter_the_formatter_and_the_spelling(
    repository: Repository, name: str
) -> None:
    assert repository.new_service(name).returncode == 0
    for command in ("ruff check --quiet", "ruff format --check", "codespell"):
        tool, *words = command.split()
        done = subprocess.run(
            [f".tools/check/bin/{tool}", *words, name],
            cwd=repository.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_new_service_passes_its_checks_and_tests_and_is_demonstrated(
    repository: Repository,
) -> None:
    assert repository.new_service(NAME).returncode == 0
    repository.commit()
    targets = ("check-types-in", "check-imports-in", "test", "demo")
    done = subprocess.run(
        ["make", "check-pins", *(f"{target}-{NAME}" for target in targets)],
        cwd=repository.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)
    assert " failed" not in done.stdout
    assert repository.changes() == []
