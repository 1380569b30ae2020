"""A pattern selects the servers that the benchmark of serving measures."""

import re

import pytest
from contestants import OURS
from peers import MODEL_CODE, PEERS, name_of
from selection import NothingSelectedError, is_selected, select_services

SERVICES = ["Orders-Service", "Trips-Service"]


@pytest.mark.parametrize(
    ("pattern", "selected"),
    [
        ("", SERVICES),
        ("^this service", []),
        ("this service", SERVICES),
        ("orders", SERVICES[:1]),
        ("trips.*model code, batching on", SERVICES[1:]),
    ],
)
def test_only_services_with_a_server_that_may_match_are_trained(
    pattern: str, selected: list[str]
) -> None:
    only = re.compile(pattern, re.IGNORECASE)
    if selected:
        assert select_services(SERVICES, only) == selected
    else:
        with pytest.raises(NothingSelectedError):
            select_services(SERVICES, only)


def test_a_pattern_that_matches_nothing_is_refused_with_all_names() -> None:
    with pytest.raises(NothingSelectedError) as refused:
        select_services(SERVICES, re.compile("no such server"))

    text = str(refused.value)
    assert "No server matches 'no such server'." in text
    for name in (*SERVICES, OURS, *(peer.name for peer in PEERS)):
        assert name in text


def test_servers_are_selected_by_their_service_and_name() -> None:
    name = name_of(PEERS[0], MODEL_CODE, batching=True)

    assert is_selected(re.compile("orders.*batching on", re.IGNORECASE), SERVICES[0], name)
    assert not is_selected(re.compile("batching off"), SERVICES[0], name)
    assert not is_selected(re.compile("Trips"), SERVICES[0], name)
