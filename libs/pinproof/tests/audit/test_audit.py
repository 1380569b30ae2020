"""The audit against a served index and served advisories."""

import os
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
from audit_samples import AFFECTING, IDENTIFIERS, PROJECTS
from pinproof.audit import Audit, audit
from pinproof.audit.advisories import OsvSource
from pinproof.audit.http_client import Client, OfflineError
from pinproof.audit.index import Index
from pinproof.audit.installed import InstalledVersionError
from pinproof.environment.interpreter import Distribution, Installation
from pinproof.repository.pins import read_pins
from servers import Release, Releases, documents, index_of, osv_of, released, serving

Write = Callable[[Mapping[str, str]], Path]

CLIENT = Client(attempts=1)
TODAY = date(2026, 11, 22)
PINS = '[policy]\npythons = ["3.11", "3.12"]\nplatforms = ["linux-x86_64", "macos-arm64"]\n'
MARKERS = {"python_version": "3.11"}
STARLETTE = "CVE-2025-54121"
RANGE = "CVE-2025-62727"


@pytest.fixture
def look(write: Write) -> Callable[..., Audit]:
    def run(
        requirements: str,
        *,
        projects: Releases | None = None,
        policy: str = "",
        installed: list[Distribution] | None = None,
        today: date = TODAY,
        file: bool = False,
        **more: str,
    ) -> Audit:
        root = write({"pins.toml": PINS + policy, "requirements.txt": requirements, **more})
        pins = read_pins(root / "requirements.txt" if file or installed else root)
        installation = None
        if installed is not None:
            installation = Installation(markers=MARKERS, distributions=tuple(installed))
        with (
            serving(index_of({**PROJECTS, **(projects or {})})) as index,
            serving(osv_of(documents(*IDENTIFIERS), AFFECTING)) as osv,
        ):
            return audit(
                pins,
                Index(f"{index}/simple/", CLIENT),
                OsvSource(osv, CLIENT),
                installation=installation,
                today=today,
            )

    return run


def reported(result: Audit) -> list[str]:
    return [
        f"{finding.line} {finding.advisory.names[0]} {finding.impact.kind} {finding.name} "
        f"{finding.impact.target}"
        + "".join(f" by {one.name} until {one.first}" for one in finding.blockers)
        for finding in result.findings
    ]


def distribution(name: str, version: str, *requires: str, folder: bool = False) -> Distribution:
    return Distribution(name=name, version=version, requires=requires, from_folder=folder)


def test_pins_that_admit_nothing_affected_are_clean(look: Callable[..., Audit]) -> None:
    result = look("numpy~=1.26.3\nDjango~=5.1.5\n")

    assert reported(result) == []
    assert (result.distributions, result.unpinned, result.direct) == (2, (), ())


def test_a_parent_caps_what_it_brings_along(look: Callable[..., Audit]) -> None:
    result = look("# direct\nfastapi~=0.115.12\n")

    assert reported(result) == [
        f"2 {STARLETTE} parent-bump starlette 0.47.2 by fastapi until 0.116.1",
        f"2 {RANGE} parent-bump starlette 0.49.1 by fastapi until 0.121.0",
    ]
    assert result.unpinned == ("starlette", "typing-extensions")


def test_a_parent_caps_a_pin_too(look: Callable[..., Audit]) -> None:
    result = look("fastapi~=0.115.12\nstarlette~=0.46.0\ntyping-extensions~=4.8.0\n")

    assert (
        reported(result)[0]
        == f"2 {STARLETTE} parent-bump starlette 0.47.2 by fastapi until 0.116.1"
    )
    assert result.findings[0].message.count("; change the pin too; ") == 1
    assert result.unpinned == ()


def test_without_the_parent_the_pin_alone_is_to_change(look: Callable[..., Audit]) -> None:
    assert reported(look("starlette~=0.46.0\n")) == [
        f"1 {STARLETTE} pin-bump starlette 0.47.2",
        f"1 {RANGE} pin-bump starlette 0.49.1",
    ]


def test_the_parents_of_one_file_do_not_bind_another(look: Callable[..., Audit]) -> None:
    result = look("starlette~=0.46.0\n", **{"other/requirements.txt": "fastapi~=0.115.12\n"})

    kinds = {(finding.path, str(finding.impact.kind)) for finding in result.findings}
    assert kinds == {
        ("requirements.txt", "pin-bump"),
        ("other/requirements.txt", "parent-bump"),
    }


def test_what_only_an_older_release_of_the_parent_admits_can_be_had(
    look: Callable[..., Audit],
) -> None:
    # fastapi 0.115.0 goes with starlette 0.38, which CVE-2025-62727 does not speak of.
    result = look("fastapi~=0.115.0\nstarlette~=0.38.0\n")

    assert reported(result) == [
        f"2 {STARLETTE} parent-bump starlette 0.47.2 by fastapi until 0.116.1"
    ]


def test_a_parent_that_never_admits_the_fix_says_so(look: Callable[..., Audit]) -> None:
    projects = {"capped": released("1.0.0", "1.1.0", requires=["starlette<0.47"])}

    result = look("capped~=1.0.0\n", projects=projects)

    assert reported(result)[0] == f"1 {STARLETTE} parent-bump starlette 0.47.2 by capped until None"
    assert "no later capped that was checked admits it" in result.findings[0].message


def test_the_chain_is_followed_to_the_parent_that_caps(look: Callable[..., Audit]) -> None:
    projects = {"framework": released("2.0.0", requires=["fastapi[all]<0.116"])}

    result = look("framework~=2.0.0\n", projects=projects)

    assert (
        reported(result)[0]
        == f"1 {STARLETTE} parent-bump starlette 0.47.2 by fastapi until 0.116.1"
    )


def test_only_the_newest_release_of_a_parent_without_a_pin_is_considered(
    look: Callable[..., Audit],
) -> None:
    projects = {
        "framework": released("2.0.0", requires=["middle"]),
        "middle": {"1.0": Release(["starlette"]), "1.1": Release(["starlette<0.47"])},
    }

    result = look("framework~=2.0.0\n", projects=projects)

    assert reported(result)[0] == f"1 {STARLETTE} parent-bump starlette 0.47.2 by middle until None"


def test_what_a_parent_asks_for_elsewhere_keeps_nothing_out(look: Callable[..., Audit]) -> None:
    projects = {
        "capped": {
            "1.0.0": Release(['starlette<0.47; sys_platform == "darwin"']),
            "1.0.1": Release(["starlette<0.47"]),
        }
    }
    on_linux = 'capped~=1.0.0; sys_platform == "linux"\nstarlette~=0.46.0\n'

    result = look(on_linux, projects=projects)

    # An older release of the parent does not ask for it on Linux.
    assert reported(result)[0] == f"2 {STARLETTE} pin-bump starlette 0.47.2"


def test_parents_bind_the_pin_of_their_own_environments(look: Callable[..., Audit]) -> None:
    result = look(
        'fastapi~=0.115.12; sys_platform == "linux"\n'
        'starlette~=0.46.0; sys_platform == "linux"\n'
        'starlette~=0.48.0; sys_platform == "darwin"\n'
    )

    assert reported(result) == [
        f"2 {STARLETTE} parent-bump starlette 0.47.2 by fastapi until 0.116.1",
        f"2 {RANGE} parent-bump starlette 0.49.1 by fastapi until 0.121.0",
        f"3 {RANGE} pin-bump starlette 0.49.1",
    ]


def test_extras_and_markers_are_followed(look: Callable[..., Audit]) -> None:
    projects = {
        "web": released("1.0.0", requires=[
            'starlette<0.47; extra == "server" and python_version < "3.12"',
            'django<5; extra == "admin"',
            'py; sys_platform == "win32"',
        ])
    }  # fmt: skip

    result = look("web[server]~=1.0.0\n", projects=projects)

    assert {finding.name for finding in result.findings} == {"starlette"}
    assert result.findings[0].pythons == ("3.11",)
    assert " on Python 3.11; " in result.findings[0].message


def test_one_distribution_may_have_a_pin_for_each_environment(look: Callable[..., Audit]) -> None:
    result = look(
        'Django~=5.1.5; python_version >= "3.12"\nDjango~=5.0.10; python_version < "3.12"\n'
    )

    assert reported(result) == ["2 CVE-2024-56374 floor-bump django 5.0.11"]
    assert result.findings[0].pythons == ("3.11",)


def test_a_pin_for_unsupported_environments_is_ignored(look: Callable[..., Audit]) -> None:
    assert reported(look('py~=1.11.0; sys_platform == "win32"\nnumpy~=1.26.3\n')) == []


def test_a_constraint_limits_what_a_pin_admits(look: Callable[..., Audit]) -> None:
    result = look("-c limits.txt\nDjango~=5.1.3\n", **{"limits.txt": "django<5.1.5\n"})

    assert reported(result) == ["2 CVE-2024-56374 pin-bump django 5.1.5"]


def test_what_pins_toml_excludes_is_not_followed(look: Callable[..., Audit]) -> None:
    exclusion = '[[exclusions]]\ndistribution = "starlette"\nreason = "not here"\n'

    assert reported(look("fastapi~=0.115.12\n", policy=exclusion)) == []


@pytest.mark.parametrize("folder", ["service", "."])
def test_exclusions_hold_for_one_file_wherever_it_is_named_from(
    folder: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    exclusion = '[[exclusions]]\ndistribution = "starlette"\npath = "service"\nreason = "no"\n'
    root = write({"pins.toml": exclusion, "service/requirements.txt": "fastapi~=0.115.12\n"})
    monkeypatch.chdir(root / folder)
    place = os.path.relpath(root / "service/requirements.txt")

    (scope,) = read_pins(Path(place)).scopes

    assert (scope.path, scope.policy_path) == (place, "service/requirements.txt")


def test_an_included_file_is_part_of_the_one_that_includes_it(look: Callable[..., Audit]) -> None:
    result = look("-r base.txt\nfastapi~=0.115.12\n", **{"base.txt": "starlette~=0.46.0\n"})

    assert {finding.path for finding in result.findings} == {"base.txt"}
    assert {str(finding.impact.kind) for finding in result.findings} == {"parent-bump"}


def test_direct_references_are_named(look: Callable[..., Audit]) -> None:
    result = look("a @ https://example.org/a.whl\nnumpy~=1.26.3\n")

    assert result.direct == ("requirements.txt:1",)


# ---- The installed environment ----


def test_an_affected_installation_of_a_clean_pin_needs_only_to_be_installed_again(
    look: Callable[..., Audit],
) -> None:
    result = look("Django~=5.1.5\n", installed=[distribution("Django", "5.1.4")])

    assert reported(result) == ["1 CVE-2024-56374 reachable django 5.1.5"]


def test_a_clean_installation_does_not_hide_an_affected_floor(look: Callable[..., Audit]) -> None:
    result = look("Django~=5.1.4\n", installed=[distribution("Django", "5.1.5")])

    assert reported(result) == ["1 CVE-2024-56374 floor-bump django 5.1.5"]


def test_an_installed_distribution_that_nothing_requires_is_audited(
    look: Callable[..., Audit],
) -> None:
    result = look("numpy~=1.26.3\n", installed=[
        distribution("jinja2", "2.10"), distribution("mine", "unknown", folder=True),
    ])  # fmt: skip

    assert reported(result) == ["1 CVE-2019-10906 reachable jinja2 3.1.6"]
    assert (
        "jinja2, which nothing requires: installed 2.10 is affected" in result.findings[0].message
    )


def test_what_the_index_does_not_tell_the_installation_does(look: Callable[..., Audit]) -> None:
    projects = {"silent": {"1.0.0": Release(metadata=False)}}
    installed = [distribution("silent", "1.0.0", "starlette<0.47")]

    result = look("silent~=1.0.0\n", projects=projects, installed=installed)

    assert reported(result)[0].startswith(f"1 {STARLETTE} parent-bump starlette 0.47.2 by silent")


def test_an_invalid_version_cannot_be_compared(look: Callable[..., Audit]) -> None:
    with pytest.raises(InstalledVersionError, match="numpy is installed in version 'dev'"):
        look("numpy~=1.26.3\n", installed=[distribution("numpy", "dev")])


# ---- The ignore list ----

IGNORE = '[[ignores]]\nid = "{id}"\n{more}reason = "a reason"\nexpires = 2026-11-22\n'


@pytest.mark.parametrize("name", ["CVE-2022-42969", "PYSEC-2022-42969", "ghsa-w596-4wvx-j9j6"])
def test_an_entry_covers_an_advisory_by_any_of_its_names(
    name: str, look: Callable[..., Audit]
) -> None:
    result = look("py~=1.11.0\n", policy=IGNORE.format(id=name, more=""))

    assert reported(result) == []
    ((finding, entry),) = result.ignored
    assert (finding.name, entry.id, result.unused) == ("py", name, ())


def test_an_entry_ends_with_its_last_day(look: Callable[..., Audit]) -> None:
    policy = IGNORE.format(id="CVE-2022-42969", more="")

    result = look("py~=1.11.0\n", policy=policy, today=date(2026, 11, 23))

    assert reported(result) == ["1 CVE-2022-42969 no-fix py None"]
    assert result.findings[0].message.endswith("; pins.toml ignored it until 2026-11-22 (a reason)")
    assert (result.ignored, result.unused) == ((), ())


def test_one_file_alone_calls_no_entry_unused(look: Callable[..., Audit]) -> None:
    result = look("numpy~=1.26.3\n", policy=IGNORE.format(id="CVE-1", more=""), file=True)

    assert result.unused == ()


def test_the_entry_that_holds_longest_counts(look: Callable[..., Audit]) -> None:
    entry = IGNORE.format(id="CVE-2022-42969", more="")
    policy = entry.replace("2026-11-22", "2027-11-22") + entry.replace("2026", "2020")

    result = look("py~=1.11.0\n", policy=policy)

    assert [str(entry.expires) for _, entry in result.ignored] == ["2027-11-22"]
    assert (reported(result), result.unused) == ([], ())


def test_an_entry_for_another_distribution_covers_nothing_and_is_reported(
    look: Callable[..., Audit],
) -> None:
    policy = IGNORE.format(id="CVE-2022-42969", more='distribution = "other"\n')

    result = look("py~=1.11.0\n", policy=policy)

    assert reported(result) == ["1 CVE-2022-42969 no-fix py None"]
    assert [entry.id for entry in result.unused] == ["CVE-2022-42969"]


# ---- What cannot be known is an error ----


def test_a_distribution_that_the_index_does_not_know_hides_no_other(
    look: Callable[..., Audit],
) -> None:
    projects = {"parent": released("1.0.0", requires=["absent-too", "starlette<0.47"])}

    result = look("absent~=1.0.0\nparent~=1.0.0\npy~=1.11.0\n", projects=projects)

    assert list(result.unknown) == ["absent", "absent-too"]
    assert "/simple/absent/ does not exist there (404)" in result.unknown["absent"]
    assert {finding.name for finding in result.findings} == {"py", "starlette"}


def test_a_skipped_distribution_is_not_looked_up_until_its_last_day(
    look: Callable[..., Audit],
) -> None:
    policy = (
        '[[skips]]\ndistribution = "Absent"\nreason = "ours"\nexpires = 2026-11-22\n'
        '[[skips]]\ndistribution = "gone"\nreason = "old"\nexpires = 2027-11-22\n'
    )

    valid = look("absent~=1.0.0\npy~=1.11.0\n", policy=policy)
    late = look("absent~=1.0.0\n", policy=policy, today=date(2026, 11, 23))

    assert (dict(valid.unknown), len(valid.findings)) == ({}, 1)
    assert valid.skips.notes == [
        "absent is skipped until 2026-11-22: ours",
        "pins.toml: the entry for gone skips nothing: remove it",
    ]
    assert list(late.unknown) == ["absent"]
    assert late.skips.notes[0] == (
        "absent is looked up again: pins.toml skipped it until 2026-11-22 (ours)"
    )


def test_one_file_does_not_tell_whether_an_entry_skips_nothing(look: Callable[..., Audit]) -> None:
    policy = '[[skips]]\ndistribution = "gone"\nreason = "old"\nexpires = 2027-11-22\n'

    assert look("py~=1.11.0\n", policy=policy, file=True).skips.notes == []


def test_an_index_that_cannot_be_reached_is_an_error(write: Write) -> None:
    pins = read_pins(write({"requirements.txt": "a~=1.0.0\nb~=1.0.0\n"}))

    with (
        serving(osv_of(documents(*IDENTIFIERS), AFFECTING)) as osv,
        pytest.raises(OfflineError, match=r"This machine is offline, or does not reach"),
    ):
        audit(pins, Index("http://127.0.0.1:1/simple/", CLIENT), OsvSource(osv, CLIENT))


def test_a_pin_that_admits_nothing_hides_no_other(look: Callable[..., Audit]) -> None:
    other = {"other/requirements.txt": "numpy~=1.26.3\n"}

    result = look("numpy~=7.0.0\npy~=1.11.0\n", **other)

    assert list(result.unknown) == ["numpy"]
    assert "requirements.txt:1: no release of numpy~=7.0.0 can be" in result.unknown["numpy"]
    assert (result.distributions, len(result.findings)) == (2, 1)


def test_requirements_that_contradict_each_other_hide_no_other(look: Callable[..., Audit]) -> None:
    projects = {
        "a": released("1.0.0", requires=["starlette<0.40"]),
        "b": released("1.0.0", requires=["starlette>=0.47"]),
    }

    result = look("a~=1.0.0\nb~=1.0.0\npy~=1.11.0\n", projects=projects)

    assert list(result.unknown) == ["starlette"]
    assert "required by a (<0.40), b (>=0.47), can be" in result.unknown["starlette"]
    assert (result.distributions, len(result.findings)) == (3, 1)


def test_a_release_with_unknown_requirements_is_named_and_still_audited(
    look: Callable[..., Audit],
) -> None:
    projects = {"silent": {"1.0.0": Release(metadata=False)}}

    result = look("silent~=1.0.0\npy~=1.11.0\n", projects=projects)

    assert list(result.unknown) == ["silent"]
    assert result.unknown["silent"].startswith("The requirements of silent 1.0.0 are unknown")
    assert (result.distributions, len(result.findings)) == (2, 1)
