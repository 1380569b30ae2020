"""The algebra of floors, ceilings and verdicts, against brute force."""

from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from pinproof.audit.advisories.affected_ranges import Event, EventKind, EventRange
from pinproof.audit.impact import AuditInput, Impact, ImpactKind, VersionRole, assess_impact
from pinproof.audit.index.project import File, Project
from pinproof.audit.outdated import newest_outside

numbers = st.integers(min_value=0, max_value=4)
versions = st.builds(lambda a, b, c: Version(f"{a}.{b}.{c}"), numbers, numbers, numbers)
releases = st.sets(versions, min_size=1, max_size=25).map(sorted).map(tuple)


@st.composite
def cases(draw: st.DrawFn) -> AuditInput:
    every = draw(releases)
    floor = draw(st.sampled_from(every))
    pin = SpecifierSet(f"~={floor}")
    affected = draw(st.sets(st.sampled_from(every)))
    parents = draw(st.dictionaries(st.sampled_from("pqr"), st.sets(st.sampled_from(every))))
    pinned = draw(st.booleans())
    admitted = tuple(version for version in every if version in pin)
    return AuditInput(
        releases=every,
        admitted=admitted if pinned else admitted[-1:],
        pinned=pinned,
        blockers=lambda one: frozenset(name for name, out in parents.items() if one in out),
        affected=affected.__contains__,
        installed=draw(st.none() | st.sampled_from(every)),
    )


def reachable(case: AuditInput) -> list[Version]:
    return [one for one in case.admitted if not case.blockers(one)] or list(case.admitted)


@given(cases())
def test_there_is_no_impact_exactly_if_no_installable_version_is_affected(case: AuditInput) -> None:
    looked_at = [*reachable(case), *([case.installed] if case.installed else [])]

    assert (assess_impact(case) is None) == (not any(map(case.affected, looked_at)))


@given(cases())
def test_what_is_called_affected_is(case: AuditInput) -> None:
    verdict = assess_impact(case)

    for point, version in verdict.points.items() if verdict else ():
        assert case.affected(version)
        assert (
            (version == case.installed)
            if point is VersionRole.INSTALLED
            else version in case.admitted
        )
    if verdict and VersionRole.FLOOR in verdict.points:
        assert verdict.points[VersionRole.FLOOR] == min(reachable(case))
    if verdict and VersionRole.CEILING in verdict.points:
        assert verdict.points[VersionRole.CEILING] == max(reachable(case))


@given(cases())
def test_the_target_is_a_release_that_is_not_affected_and_lies_where_the_verdict_says(
    case: AuditInput,
) -> None:
    verdict = assess_impact(case)
    if verdict is None:
        return
    top = max(reachable(case))
    if verdict.target is None:
        assert verdict.kind is ImpactKind.NONE
        assert all(case.affected(one) for one in case.releases if one >= top)
        return
    assert verdict.target in case.releases
    assert not case.affected(verdict.target)
    assert verdict.blockers == (
        case.blockers(verdict.target) if verdict.kind is ImpactKind.PARENT else frozenset()
    )
    _check_place(case, verdict, top)


def _check_place(case: AuditInput, verdict: Impact, top: Version) -> None:
    target = verdict.target
    assert target is not None
    match verdict.kind:
        case ImpactKind.FLOOR:
            # Raising the floor to the target leaves nothing affected, and any lower floor does.
            kept = [one for one in reachable(case) if one >= target]
            below = [one for one in reachable(case) if one < target]
            assert not any(map(case.affected, kept))
            assert case.affected(below[-1])
        case ImpactKind.PIN:
            assert target not in case.admitted or target > top
            assert not case.blockers(target)
        case ImpactKind.PARENT:
            fixed = [one for one in case.releases if one > top and not case.affected(one)]
            assert all(map(case.blockers, fixed))
        case _:
            assert not case.blockers(target) or target in case.admitted


@given(case=cases())
def test_a_pin_is_never_blamed_while_its_newest_release_is_fine(case: AuditInput) -> None:
    verdict = assess_impact(case)

    if verdict and not case.affected(max(reachable(case))):
        assert verdict.kind in {ImpactKind.FLOOR, ImpactKind.REACHABLE}


bounds = st.lists(versions, min_size=1, max_size=6, unique=True).map(sorted)


@given(bounds=bounds, version=versions, order=st.randoms())
def test_a_range_of_pairs_is_the_union_of_its_intervals(
    bounds: list[Version], version: Version, order: st.DataObject
) -> None:
    kinds = [EventKind.INTRODUCED, EventKind.FIXED]
    events = [Event(kinds[place % 2], bound) for place, bound in enumerate(bounds)]
    starts, ends = bounds[::2], [*bounds[1::2], Version("99")]
    order.shuffle(events)  # type: ignore[attr-defined]

    inside = any(start <= version < end for start, end in zip(starts, ends, strict=False))

    assert (version in EventRange(tuple(events))) == inside


@given(every=releases, pin=versions, tails=st.lists(st.sampled_from(["", "rc1"]), min_size=25))
def test_inside_and_outside_are_what_packaging_says(
    every: tuple[Version, ...], pin: Version, tails: list[str]
) -> None:
    files = tuple(
        File(f"a-{version}{tail}.tar.gz", "", Version(f"{version}{tail}"))
        for version, tail in zip(every, tails, strict=False)
    )
    specifier = SpecifierSet(f"~={pin}")
    installable = Project("a", files).installable("3.11")
    inside = max(specifier.filter(installable), default=None)

    if inside is not None:
        outside = newest_outside(installable, inside, specifier)
        above = [one for one in installable if one > inside and not one.is_prerelease]
        assert outside == max((one for one in above if one not in specifier), default=None)
