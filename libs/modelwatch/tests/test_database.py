"""A log in PostgreSQL: what is written is what a folder would have, and nothing is dropped."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from logs import NOON, SCHEMA, part, record, record_of, stored_ids, unexpected, until
from modelwatch.database.address import parse_address
from modelwatch.database.store import DatabaseStore
from modelwatch.errors import PlaceError, StoreError
from modelwatch.log import LogSchema, LogSettings, PredictionLog, open_log
from modelwatch.log.records import encode
from modelwatch.log.retention import delete_expired
from modelwatch.reporting.log_tables import open_tables
from modelwatch.store import FolderStore, Store, check_address, open_store
from modelwatch.testing.postgres import PostgresServer
from pydantic import ValidationError


@pytest.fixture
def store(postgres: PostgresServer) -> Iterator[DatabaseStore]:
    store = DatabaseStore(postgres.address())
    yield store
    store.close()


def log_to(store: Store, **changes: object) -> PredictionLog:
    return PredictionLog(
        store,
        SCHEMA,
        **{"flush_s": 3600, "warn": unexpected} | changes,  # type: ignore[arg-type]
    )


def rows_of(store: Store) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    with open_tables(store) as tables:
        tables.add_predictions()
        found = tables.connection.execute("from predictions order by prediction_id").fetchall()
        return tables.columns, found


_TEXT = st.one_of(
    st.none(),
    st.sampled_from(["", "\\N", "\\.", '"', "a,b", "\t", "\r\n", "\\", "''", "NaN", "{}"]),
    st.text(st.characters(exclude_categories=["Cs"])),
)
_WARNING = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(_TEXT, st.one_of(st.none(), st.floats()), st.lists(_WARNING, max_size=3)),
        min_size=1,
        max_size=20,
    )
)
@example(rows=[("\r\n", None, [])])
@example(rows=[("\r", None, ["\r\n\r\n"]), ("\n\r", 1.0, [])])
def test_every_value_comes_back_as_from_a_folder(
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
    rows: Sequence[tuple[str | None, float | None, list[str]]],
) -> None:
    records = [
        record_of(
            SCHEMA,
            time=NOON + number / 1e6,
            prediction_id=f"p{number:03}",
            features={"age": value, "country": text},
            outputs={"label": text},
            warnings=codes,
        )
        for number, (text, value, codes) in enumerate(rows)
    ]
    folder = FolderStore(tmp_path_factory.mktemp("log"))
    database = DatabaseStore(postgres.address())
    for store in (folder, database):
        store.put("predictions/day=2026-03-01/a.parquet", encode(records, SCHEMA))
    types, expected = rows_of(folder)
    # PostgreSQL has no texts with a null character.
    expected = [tuple(_without_null(value) for value in row) for row in expected]
    assert repr(rows_of(database)) == repr((types, expected))


def _without_null(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_without_null(one) for one in value]
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


def test_the_records_of_a_log_are_rows_of_a_table(
    store: DatabaseStore, postgres: PostgresServer
) -> None:
    log = log_to(store)
    log.start()
    for number in range(12_345):
        record(log, number)
    assert log.close(timeout_s=60) == (12_345, 0, 12_345, 0, 0)
    schema = store.address.partition("schema=")[2]
    [[count, ids]] = postgres.run(
        f"select count(*), count(distinct prediction_id) from {schema}.predictions "  # noqa: S608
        f"where day = current_date and \"feature.country\" = 'France'"
    )
    assert (count, ids) == (12_345, 12_345)
    assert len(store.names("predictions")) == 2


def test_the_same_part_again_changes_nothing(store: DatabaseStore) -> None:
    for _ in range(3):
        store.put("predictions/day=2026-03-01/a.parquet", part(1))
    store.put("predictions/day=2026-03-01/b.parquet", part(2))
    assert sorted(stored_ids(store)) == ["p1", "p2"]
    assert store.names("predictions") == [
        "predictions/day=2026-03-01/a.parquet",
        "predictions/day=2026-03-01/b.parquet",
    ]
    assert store.names("truth") == []


def test_a_new_declaration_adds_its_columns_and_drops_none(store: DatabaseStore) -> None:
    newer = LogSchema(features={"age": "number", "Size": "number"}, outputs={"label": "category"})
    store.put("predictions/day=2026-03-01/a.parquet", part(1))
    store.put(
        "predictions/day=2026-03-01/b.parquet",
        part(2, newer, features={"age": 1.0, "Size": 44.0}),
    )
    # A process that is not updated yet goes on.
    store.put("predictions/day=2026-03-02/c.parquet", part(3))
    with open_tables(store) as tables:
        tables.add_predictions()
        found = tables.connection.execute(
            'select prediction_id, "feature.Size", "feature.country" from predictions order by 1'
        ).fetchall()
    assert found == [("p1", None, "France"), ("p2", 44.0, None), ("p3", None, "France")]


def test_a_column_of_another_kind_is_refused_with_the_reason(store: DatabaseStore) -> None:
    store.put("predictions/day=2026-03-01/a.parquet", part(1))
    other = LogSchema(features={"age": "category"}, outputs={"label": "category"})
    with pytest.raises(
        StoreError, match=r"column feature\.age of the type double precision, not text\. Declare"
    ):
        store.put("predictions/day=2026-03-01/b.parquet", part(2, other, features={"age": "old"}))
    assert stored_ids(store) == ["p1"]


def test_processes_that_begin_at_once_create_the_tables_together(postgres: PostgresServer) -> None:
    address = postgres.address()
    barrier = threading.Barrier(8)
    failed: list[Exception] = []

    def write(number: int) -> None:
        store = DatabaseStore(address)
        barrier.wait()
        try:
            store.put(f"predictions/day=2026-03-0{1 + number % 2}/{number}.parquet", part(number))
        except StoreError as error:
            failed.append(error)
        store.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(stored_ids(DatabaseStore(address))) == [f"p{number}" for number in range(8)]


def test_a_report_reads_only_its_days(store: DatabaseStore) -> None:
    for day in (1, 2, 3, 4):
        store.put(f"predictions/day=2026-03-0{day}/a.parquet", part(day))
    with open_tables(store) as tables:
        tables.add_predictions(("2026-03-02", "2026-03-03"))
        found = tables.connection.execute("select prediction_id from predictions order by 1")
        assert found.fetchall() == [("p2",), ("p3",)]
        tables.add_predictions(("2027-01-01", "2027-01-31"))


def test_old_days_are_dropped_with_their_partitions(
    store: DatabaseStore, postgres: PostgresServer
) -> None:
    delete_expired(store, keep_days=30)
    days = ["2026-01-29", "2026-01-30", "2026-03-01"]
    for day in days:
        store.put(f"predictions/day={day}/a.parquet", part(1))
        store.put(f"truth/day={day}/a.parquet", part(1))
    delete_expired(store, keep_days=30, today=date(2026, 3, 1))
    for table in ("predictions", "truth"):
        assert store.names(table) == [f"{table}/day={day}/a.parquet" for day in days[1:]]
    schema = store.address.partition("schema=")[2]
    found = postgres.run(
        "select relname from pg_class where relkind = 'r' and relname like '%2026%' "  # noqa: S608
        f"and relnamespace = '{schema}'::regnamespace order by 1"
    )
    assert [name for (name,) in found] == [
        f"{table}_2026{day}" for table in ("predictions", "truth") for day in ("0130", "0301")
    ]


def test_the_log_deletes_old_days_while_it_runs(store: DatabaseStore) -> None:
    store.put("predictions/day=2020-01-01/a.parquet", part(1))
    log = log_to(store, keep_days=30, flush_s=0.01)
    log.start()
    other = DatabaseStore(log_address(store))
    until(lambda: other.names("predictions") == [])
    other.close()
    log.close()


def log_address(store: DatabaseStore) -> str:
    """The address of a store with its password."""
    address = store._database.address  # noqa: SLF001
    return str(address).replace("watch@", f"watch:{_coded(address.given_password)}@")


def _coded(password: str | None) -> str:
    return (
        str(password)
        .replace("%", "%25")
        .replace(":", "%3A")
        .replace("@", "%40")
        .replace("/", "%2F")
    )


def test_a_connection_that_was_ended_is_made_again_without_a_warning(
    store: DatabaseStore, postgres: PostgresServer
) -> None:
    log = log_to(store, flush_s=0.01)
    log.start()
    for number in range(3):
        record(log, number)
        until(lambda count=number: log.counts().written == count + 1)  # type: ignore[misc]
        postgres.run(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'modelwatch'"
        )
    assert log.close() == (3, 0, 3, 0, 0)
    assert sorted(stored_ids(store)) == ["p0", "p1", "p2"]


def test_a_log_leaves_no_connection(store: DatabaseStore, postgres: PostgresServer) -> None:
    log = log_to(store)
    log.start()
    record(log, 1)
    log.close()
    stored_ids(store)
    count = "select count(*) from pg_stat_activity where application_name = 'modelwatch'"
    until(lambda: postgres.run(count) == [[0]])


def test_a_database_that_has_not_all_texts_is_refused(postgres: PostgresServer) -> None:
    postgres.run("create database latin encoding 'LATIN1' template template0")
    address = postgres.address().replace("/postgres?", "/latin?")
    with pytest.raises(StoreError, match=r"/latin\?.*encoding LATIN1.* Create the database with"):
        DatabaseStore(address).names("predictions")


def test_a_role_needs_only_its_schema(postgres: PostgresServer) -> None:
    """An administrator may create the schema for it."""
    postgres.run("create role modest login password 'mod:est'")
    address = postgres.address("modest", user="modest", password="mod:est")  # noqa: S106
    with pytest.raises(StoreError, match=r"permission denied .* \(42501\)\. Make the role the own"):
        DatabaseStore(address).put("predictions/day=2026-03-01/a.parquet", part(1))
    postgres.run("create schema modest authorization modest")
    store = DatabaseStore(address)
    store.put("predictions/day=2026-03-01/a.parquet", part(1))
    assert stored_ids(store) == ["p1"]


def test_the_settings_take_an_address_and_the_commands_read_it(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is in the environment, where it is not in a list of processes."""
    address = str(parse_address(postgres.address()))
    monkeypatch.setenv("PREDICTION_LOG", address)
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    log = open_log(LogSettings(), SCHEMA)
    assert log is not None
    log.start()
    for number in range(10):
        record(log, number)
    assert log.close().written == 10
    (tmp_path / "outcomes.csv").write_text("prediction_id,outcome\np1,0\np2,1\np99,1\n")
    command = [sys.executable, "-m", "modelwatch", "truth", "outcomes.csv", "--log", address]
    for state in ("new", "known"):
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        counts = dict(line.split(":") for line in done.stdout.replace(" ", "").splitlines())
        assert (counts[state], counts["matched"], counts["unmatched"]) == ("3", "2", "1")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://ann:secret@host/db", "schema is not a name"),
        ("postgresql://ann:secret@host/db?schema=A", "schema is not a name"),
        ("postgresql://ann:secret@host/db?schema=a&password=secret", "not all of schema, sslmode"),
        ("postgresql://ann:secret@host/db?schema=a&sslmode=maybe", "sslmode is not one of"),
        ("postgresql://ann:secret@host/?schema=a", "not one database"),
        ("postgresql://ann:secret@host/db/x?schema=a", "not one database"),
        ("postgresql://ann:secret@h1,h2/db?schema=a", "not one host"),
        ("postgresql://:secret@host/db?schema=a", "no user"),
        ("postgresql://ann:sec/ret@host/db?schema=a", "cannot be read"),
        ("postgres://ann:sec#ret@host/db?schema=a", "cannot be read"),
        ("postgresql://ann:secret@host:port/db?schema=a", "cannot be read"),
        ("postgresql:ann:secret", "not one host"),
        ("POSTGRES://secret", "no user"),
    ],
)
def test_a_wrong_address_is_refused_without_its_password(
    address: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PlaceError, match=reason) as caught:
        check_address(address)
    assert "Write postgresql://user@host/database?schema=name" in str(caught.value)
    monkeypatch.setenv("PREDICTION_LOG", address)
    with pytest.raises(ValidationError) as invalid:
        LogSettings()
    for text in (str(caught.value), str(invalid.value)):
        assert "secret" not in text
        assert "ret@" not in text


def test_an_address_of_no_log_is_shown_without_its_password() -> None:
    with pytest.raises(PlaceError) as caught:
        check_address("https://ann:secret@host/log")
    assert str(caught.value).startswith("https://***@host/log is not the address of a prediction")


def test_a_valid_address_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql://ann:se%2Fcret@db.example:6432/watch?schema=orders&sslmode=verify-full"
    store = open_store(address)
    assert store.address == "postgresql://ann@db.example:6432/watch?schema=orders"
    parsed = parse_address(address)
    assert parsed.password == "se/cret"  # noqa: S105
    assert (parsed.host, parsed.port, parsed.ssl_mode) == ("db.example", 6432, "verify-full")
    monkeypatch.setenv("PREDICTION_LOG", address)
    for shown in (str(parsed), repr(parsed), repr(LogSettings())):
        assert "cret" not in shown
