from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
from pinproof.repository.policy import Policy, PolicyError, find_root, load_policy, policy_files

Write = Callable[[Mapping[str, str | bytes]], Path]

WHOLE = """
[policy]
pythons = ["3.11"]
platforms = ["linux-x86_64"]
services = ["One-Service/"]
exclude = ["./vendored"]

[[exceptions]]
rule = "PIN001"
distribution = "Some_Thing"
path = "One-Service"
reason = "a reason"
expires = 2027-01-31
"""
EXCEPTION = """
[[exceptions]]
rule = "PIN001"
distribution = "a"
reason = "a reason"
expires = 2027-01-31
"""
IGNORE = """
[[ignores]]
id = "CVE-2025-54121"
reason = "a reason"
expires = 2027-01-31
"""
MISTAKES = [
    (IGNORE.replace("CVE-2025-54121", " "), "ignores.0.id: write an identifier"),
    (IGNORE.replace("a reason", ""), "ignores.0.reason: write the reason"),
    (IGNORE.replace("expires = 2027-01-31", ""), "ignores.0.expires: missing key, add it"),
    (IGNORE.replace("id", "cve"), "ignores.0.id: missing key, add it"),
    ("[policy]\npython = ['3.11']", "policy.python: unknown key"),
    ("[policies]", "policies: unknown key"),
    ("[policy]\npythons = []", "policy.pythons: name at least one."),
    ("[policy]\npythons = ['3']", "policy.pythons.0: write a minor version of Python"),
    ("[policy]\npythons = ['3.11.4']", "policy.pythons.0: write a minor version of Python"),
    ("[policy]\npythons = '3.11'", "policy.pythons: "),
    ("[policy]\nplatforms = ['amiga']", "policy.platforms.0: write one of linux-x86_64"),
    ("[policy]\nservices = ['/etc']", "policy.services.0: write a path below the root"),
    ("[policy]\nservices = ['../other']", "policy.services.0: write a path below the root"),
    ("[policy]\nexclude = ['.']", "policy.exclude.0: write a path below the root"),
    ("[policy]\nexclude = ['']", "policy.exclude.0: write a path below the root"),
    ("[policy]\nexclude = [1]", "policy.exclude.0: "),
    ("policy = 1", "policy: "),
    ("[[policy.exceptions]]", "policy.exceptions: unknown key"),
    (EXCEPTION.replace("PIN001", "E501"), "exceptions.0.rule: "),
    (EXCEPTION.replace('"a"', '""'), "exceptions.0.distribution: "),
    (EXCEPTION.replace("a reason", "  "), "exceptions.0.reason: write the reason"),
    (EXCEPTION.replace('reason = "a reason"', ""), "exceptions.0.reason: missing key, add it"),
    (EXCEPTION.replace("2027-01-31", '"some day"'), "exceptions.0.expires: "),
    (EXCEPTION.replace("expires", "expire"), "exceptions.0.expire: unknown key"),
    (EXCEPTION.replace('distribution = "a"', ""), "exceptions.0: name the distribution"),
    (EXCEPTION.replace('distribution = "a"', 'path = "b"'), "exceptions.0: name the distribution"),
    (
        EXCEPTION.replace("PIN001", "PIN007").replace('distribution = "a"', ""),
        "exceptions.0: name the distribution",
    ),
    ("[[exclusions]]\ndistribution = 'a'", "exclusions.0.reason: missing key, add it"),
]


def test_the_whole_file_is_read(write: Write) -> None:
    policy = load_policy(write({"pins.toml": WHOLE}))

    assert policy.pythons == ("3.11",)
    assert policy.platforms == ("linux-x86_64",)
    assert policy.services == ("One-Service",)
    assert policy.exclude == ("vendored",)
    (exception,) = policy.exceptions
    assert exception.distribution == "some-thing"
    assert exception.path == "One-Service"
    assert exception.expires == date(2027, 1, 31)


def test_a_repository_without_the_file_has_the_defaults(write: Write) -> None:
    assert load_policy(write({})) == Policy()


def test_an_empty_file_means_the_defaults(write: Write) -> None:
    assert load_policy(write({"pins.toml": ""})) == Policy()


@pytest.mark.parametrize(("text", "mistake"), MISTAKES)
def test_a_mistake_is_named_with_its_key(text: str, mistake: str, write: Write) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(write({"pins.toml": text}))

    assert f"pins.toml: {mistake}" in str(caught.value)
    assert caught.value.remedy


def test_all_mistakes_are_named_at_once(write: Write) -> None:
    text = "[policy]\npythons = ['x']\nplatforms = ['y']\nservice = []"

    with pytest.raises(PolicyError) as caught:
        load_policy(write({"pins.toml": text}))

    assert str(caught.value).count("pins.toml: ") == 3


@pytest.mark.parametrize("content", [b"[", b"\xff", b"a = 1\na = 2"])
def test_what_is_not_toml_is_refused(content: bytes, write: Write) -> None:
    with pytest.raises(PolicyError, match=r"^pins\.toml is not TOML: "):
        load_policy(write({"pins.toml": content}))


def test_a_folder_of_that_name_is_refused(write: Write) -> None:
    with pytest.raises(PolicyError, match=r"^pins\.toml cannot be read"):
        load_policy(write({"pins.toml/file": ""}))


def test_an_exclusion_holds_below_its_path(write: Write) -> None:
    exclusions = """
[[exclusions]]
distribution = "Left_Out"
path = "a/b"
reason = "a reason"

[[exclusions]]
distribution = "everywhere"
reason = "another"
"""
    policy = load_policy(write({"pins.toml": exclusions}))

    assert policy.excluded_from("a/b/c.txt") == {"left-out": "a reason", "everywhere": "another"}
    assert policy.excluded_from("a/bc") == {"everywhere": "another"}


def test_the_root_is_the_nearest_folder_with_a_policy(write: Write) -> None:
    root = write({"pins.toml": "", "a/pins.toml": "", "a/b/requirements.txt": "", "c": ""})

    assert find_root(root / "a/b/requirements.txt") == root / "a"
    assert find_root(root / "c") == root
    assert find_root(root.parent / "elsewhere") is None


def test_an_exception_for_a_rule_on_commands_may_name_a_path_alone(write: Write) -> None:
    text = EXCEPTION.replace("PIN001", "PIN007").replace('distribution = "a"', 'path = "a"')

    (exception,) = load_policy(write({"pins.toml": text})).exceptions

    assert exception.covers("PIN007", None, "a/b")
    assert exception.covers("PIN007", "numpy", "a/b")
    assert not exception.covers("PIN007", None, "b")


SERVICE_FILE = """
package = "one"

[proof]
first_party = ["libs/common"]
train = [["-m", "one", "train"]]

[[exceptions]]
rule = "PIN007"
path = "tests/test_upgrades.py"
reason = "a reason"
expires = 2027-01-31

[[exclusions]]
distribution = "Left_Out"
reason = "another"
"""
BY_FILES = {"pins.toml": "[policy]\nservice_files = '*/service.toml'\n"}


def test_a_service_file_is_about_its_folder(write: Write) -> None:
    root = write({**BY_FILES, "One-Service/service.toml": SERVICE_FILE, "other/file": ""})

    policy = load_policy(root)

    assert policy.services == ("One-Service",)
    assert policy.proof["One-Service"].first_party == ("libs/common", "One-Service")
    assert policy.proof["One-Service"].train == (("-m", "one", "train"),)
    (exception,) = policy.exceptions
    assert exception.path == "One-Service/tests/test_upgrades.py"
    assert policy.excluded_from("One-Service/requirements-prod.txt") == {"left-out": "another"}
    assert policy.excluded_from("other") == {}


def test_service_files_add_to_what_pins_toml_says(write: Write) -> None:
    text = BY_FILES["pins.toml"] + "services = ['listed']\n" + EXCEPTION
    root = write(
        {"pins.toml": text, "b/service.toml": "", "a/service.toml": "", "c/d/service.toml": ""}
    )

    policy = load_policy(root)

    assert policy.services == ("listed", "a", "b")
    assert [exception.distribution for exception in policy.exceptions] == ["a"]
    assert policy.proof == {}


def test_the_files_of_a_policy_are_listed(write: Write) -> None:
    root = write({**BY_FILES, "b/service.toml": "", "a/service.toml": ""})

    assert policy_files(root) == ["pins.toml", "a/service.toml", "b/service.toml"]
    assert policy_files(write({"pins.toml": ""})) == ["pins.toml"]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[proof]\ntrains = []", "proof.train: missing key, add it"),
        ("[proof]\ntrain = [['x']]\ntrains = []", "proof.trains: unknown key"),
        (EXCEPTION.replace("PIN001", "E501"), "exceptions.0.rule: "),
        ("[[exclusions]]\ndistribution = 'a'", "exclusions.0.reason: missing key"),
    ],
)
def test_a_mistake_in_a_service_file_is_named_with_the_file(
    text: str, mistake: str, write: Write
) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(write({**BY_FILES, "a/service.toml": text}))

    assert f"a/service.toml: {mistake}" in str(caught.value)


@pytest.mark.parametrize("pattern", ["service.toml", "/etc/*.toml", "../*/service.toml"])
def test_a_pattern_of_service_files_is_below_the_root_and_in_folders(
    pattern: str, write: Write
) -> None:
    with pytest.raises(PolicyError, match=r"pins\.toml: policy\.service_files: write a pa"):
        load_policy(write({"pins.toml": f"[policy]\nservice_files = '{pattern}'"}))
