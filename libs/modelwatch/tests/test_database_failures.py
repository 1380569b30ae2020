"""A database that fails costs records at most, never an answer; it is used again when it works."""

import os
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from logs import Recording, part, stored_ids, until
from modelwatch.database.store import DatabaseStore
from modelwatch.errors import StoreError
from modelwatch.testing.postgres import PostgresServer
from tcp_proxy import Action, Proxy, forward

# Longer than any statement of these tests takes on a busy machine, where the server works.
TIMEOUT_S = 10.0


@pytest.fixture
def store(postgres: PostgresServer) -> Iterator[DatabaseStore]:
    store = DatabaseStore(postgres.address(), timeout_s=TIMEOUT_S)
    # The tables exist, so that the failure hits the rows.
    recording = Recording(store)
    recording.send(1)
    recording.log.close()
    postgres.run(f"truncate {table_of(store)}, {table_of(store, 'parts')}")
    yield store
    store.close()


@pytest.fixture
def proxy(postgres: PostgresServer) -> Iterator[Proxy]:
    proxy = Proxy(postgres.port)
    yield proxy
    proxy.close()


def table_of(store: DatabaseStore, table: str = "predictions") -> str:
    return f"{store.address.partition('schema=')[2]}.{table}"


@contextmanager
def setting(postgres: PostgresServer, text: str) -> Iterator[None]:
    """A setting of the server, for a while."""
    with postgres.session() as session:
        session.run(f"set {text.partition(' ')[0]} = off")
        session.run(f"alter system set {text}")
        session.run("select pg_reload_conf()")
        try:
            yield
        finally:
            session.run(f"alter system reset {text.partition(' ')[0]}")
            session.run("select pg_reload_conf()")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_server_that_ends_under_load_is_used_again_when_it_runs(
    store: DatabaseStore, postgres: PostgresServer, how: str
) -> None:
    recording = Recording(store)
    ended = threading.Event()

    def load() -> None:
        while not ended.wait(0.001):
            recording.send(5)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        until(lambda: recording.log.counts().written > 0)
        {"stop": postgres.stop, "kill": postgres.kill}[how]()
        assert store.address in recording.wait_for_warning()
        before = recording.log.counts()
        until(lambda: recording.log.counts().waiting > before.waiting + 50)
    finally:
        postgres.start()
        ended.set()
        thread.join()
    recording.finish(store)


def test_a_server_that_is_killed_in_the_middle_of_a_write_has_all_of_it_or_nothing(
    store: DatabaseStore, postgres: PostgresServer
) -> None:
    """The transaction waits for a lock when all of its rows are sent."""
    postgres.run(
        f"create function {table_of(store, 'slow')}() returns trigger language plpgsql as "
        "$$ begin perform pg_advisory_xact_lock(7); return new; end $$"
    )
    postgres.run(
        f"create constraint trigger slow after insert on {table_of(store)} deferrable initially "
        f"deferred for each row execute function {table_of(store, 'slow')}()"
    )
    with locked(postgres):
        recording = Recording(store)
        recording.send(100)
        until(lambda: waiting_for_lock(postgres))
        postgres.kill()
    postgres.start()
    recording.wait_for_warning()
    assert stored_ids(DatabaseStore(address_of(store, postgres))) in ([], _ids(100))
    recording.finish(store)


def test_a_commit_whose_answer_is_lost_is_not_logged_twice(
    postgres: PostgresServer, proxy: Proxy
) -> None:
    lost = threading.Event()

    def lose(data: bytes) -> Action:
        if b"commit\x00" in data and not lost.is_set():
            lost.set()
            return "lose-answer"
        return "forward"

    proxy.fault = lose
    store = DatabaseStore(postgres.address(port=proxy.port), timeout_s=TIMEOUT_S)
    recording = Recording(store)
    recording.send(100)
    assert lost.wait(60)
    # The first try had made the connection: it is reported.
    recording.wait_for_warning()
    recording.finish(store)


def test_a_try_that_is_still_open_on_the_server_is_not_logged_twice(
    store: DatabaseStore, postgres: PostgresServer, proxy: Proxy
) -> None:
    """The client gave up, and the server commits later."""
    postgres.run(
        f"create function {table_of(store, 'slow')}() returns trigger language plpgsql as "
        "$$ begin perform pg_advisory_xact_lock(7); return new; end $$"
    )
    postgres.run(
        f"create constraint trigger slow after insert on {table_of(store)} deferrable initially "
        f"deferred for each row execute function {table_of(store, 'slow')}()"
    )
    address = address_of(store, postgres).replace(f":{postgres.port}/", f":{proxy.port}/")
    through = DatabaseStore(address, timeout_s=TIMEOUT_S)
    committing = threading.Event()

    def drop(data: bytes) -> Action:
        if b"commit\x00" in data and not committing.is_set():
            committing.set()
        return "forward"

    proxy.fault = drop
    with locked(postgres):
        recording = Recording(through)
        recording.send(100)
        until(lambda: waiting_for_lock(postgres))
        assert committing.is_set()
        # The client is gone, and its transaction commits as soon as it gets the lock.
        proxy.fault = lambda _: "cut"
        through.close()
        proxy.fault = forward
    recording.finish(through)


def test_a_server_that_hangs_delays_no_record_and_is_given_up(
    postgres: PostgresServer, proxy: Proxy
) -> None:
    store = DatabaseStore(postgres.address(port=proxy.port), timeout_s=1.0)
    proxy.fault = lambda _: "swallow"
    recording = Recording(store, max_waiting=500)
    recording.send(1000)
    assert recording.log.counts() == (1000, 0, 0, 500, 500)
    assert f"{store.address}: the server does not answer." in recording.wait_for_warning()
    proxy.fault = forward
    store_later = DatabaseStore(address_of(store, postgres), timeout_s=TIMEOUT_S)
    counts = recording.log.close(timeout_s=60)
    assert counts == (1000, 0, 500, 500, 0)
    assert sorted(stored_ids(store_later)) == sorted(_ids(500))


@pytest.mark.parametrize("word", [b"copy ", b"commit\x00"])
def test_a_server_that_hangs_in_the_middle_is_given_up(
    postgres: PostgresServer, proxy: Proxy, word: bytes
) -> None:
    swallowed = threading.Event()

    def swallow(data: bytes) -> Action:
        if word in data and not swallowed.is_set():
            swallowed.set()
            return "swallow"
        return "forward"

    proxy.fault = swallow
    store = DatabaseStore(postgres.address(port=proxy.port), timeout_s=2.0)
    recording = Recording(store)
    recording.send(100)
    assert swallowed.wait(60)
    assert "the server does not answer" in recording.wait_for_warning()
    recording.finish(store)


def test_a_drain_does_not_wait_for_a_server_that_hangs(
    postgres: PostgresServer, proxy: Proxy
) -> None:
    proxy.fault = lambda _: "swallow"
    recording = Recording(DatabaseStore(postgres.address(port=proxy.port), timeout_s=3.0))
    recording.send(100)
    assert recording.log.close(timeout_s=0.2) == (100, 0, 0, 100, 0)
    assert recording.warned == ["The prediction log was closed, and 100 records were lost."]


def test_a_table_that_is_locked_is_used_when_it_is_free(
    store: DatabaseStore, postgres: PostgresServer
) -> None:
    impatient = DatabaseStore(address_of(store, postgres), timeout_s=1.0)
    with locked(postgres, f"lock table {table_of(store)} in access exclusive mode"):
        recording = Recording(impatient)
        recording.send(100)
        # The server gives up first, and says why.
        assert "lock timeout (55P03)" in recording.wait_for_warning()
        recording.send(100)
    recording.finish(store)


def test_a_read_only_server_is_used_when_it_is_writable(
    store: DatabaseStore, postgres: PostgresServer
) -> None:
    with setting(postgres, "default_transaction_read_only = on"):
        recording = Recording(store)
        recording.send(100)
        assert "read-only transaction (25006)" in recording.wait_for_warning()
        recording.send(100)
    recording.finish(store)


def test_a_renewed_password_is_used(postgres: PostgresServer) -> None:
    postgres.run("create role renewed login password 'old-secret'")
    postgres.run("create schema renewed authorization renewed")
    address = postgres.address("renewed", user="renewed", password="new-secret")  # noqa: S106
    recording = Recording(DatabaseStore(address, timeout_s=TIMEOUT_S))
    recording.send(100)
    warned = recording.wait_for_warning()
    assert 'password authentication failed for user "renewed" (28P01). Renew the' in warned
    assert "secret" not in warned
    postgres.run("alter role renewed password 'new-secret'")
    recording.finish(DatabaseStore(address))


def test_a_password_of_the_environment_may_change(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong")
    address = postgres.address(password="")
    recording = Recording(DatabaseStore(address.replace(":@", "@"), timeout_s=TIMEOUT_S))
    recording.send(100)
    recording.wait_for_warning()
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    recording.finish(DatabaseStore(address.replace(":@", "@")))


def test_a_server_that_is_no_database_is_given_up(postgres: PostgresServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            for _ in range(2):
                client, _ = listener.accept()
                with client:
                    client.recv(1000)
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        for mode in ("prefer", "disable"):
            store = DatabaseStore(postgres.address(port=port, sslmode=mode), timeout_s=TIMEOUT_S)
            with pytest.raises(StoreError, match=r"Check the server and its address"):
                store.names("predictions")
        thread.join()


def test_a_server_that_does_not_listen_is_named(postgres: PostgresServer) -> None:
    with pytest.raises(StoreError, match=r"^postgresql://watch@127\.0\.0\.1:9/.*refused"):
        # Those below 1024 are given to no client.
        DatabaseStore(postgres.address(port=9)).names("predictions")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_full_disk_is_used_again_when_it_has_space(postgres: PostgresServer) -> None:
    with tempfile.TemporaryDirectory() as name:
        small = Path(name) / "small"
        small.mkdir()
        Path(name).chmod(0o755)
        mount = ["mount", "-t", "tmpfs", "-o", "size=200k,uid=65534,mode=700", "tmpfs", str(small)]
        if subprocess.run(mount, check=False).returncode:
            pytest.skip("mount is not allowed here")
        try:
            postgres.run(f"create tablespace small location '{small}'")
            postgres.run("create role crowded login password 'secret'")
            postgres.run("create schema crowded authorization crowded")
            postgres.run("grant create on tablespace small to crowded")
            postgres.run("alter role crowded set default_tablespace = small")
            address = postgres.address("crowded", user="crowded", password="secret")  # noqa: S106
            recording = Recording(DatabaseStore(address, timeout_s=TIMEOUT_S))
            recording.send(2000)
            assert "No space left on device (53100). Give the" in recording.wait_for_warning()
            subprocess.run(["mount", "-o", "remount,size=50m", "tmpfs", str(small)], check=True)
            recording.finish(DatabaseStore(address))
            postgres.run("drop schema crowded cascade")
            postgres.run("drop tablespace small")
        finally:
            subprocess.run(["umount", "--lazy", str(small)], check=True)


@pytest.fixture(scope="module")
def certificates() -> Iterator[Path]:
    """A certificate of 127.0.0.1 (``server``), one of another name, and their keys."""
    with tempfile.TemporaryDirectory(prefix="certificates-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for file, host in (("server", "127.0.0.1"), ("other", "127.0.0.2")):
            _write_certificate(folder / file, host)
        yield folder


def _write_certificate(path: Path, host: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.with_suffix(".crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    secret = path.with_suffix(".key")
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_tls_is_used_as_the_address_says(postgres: PostgresServer, certificates: Path) -> None:
    """The server that packages of Python have is built without TLS: the proxy encrypts for it."""

    def uses_tls(proxy: Proxy | None, mode: str, *, root: str = "") -> bool:
        options = {"sslmode": mode} | ({"sslrootcert": root} if root else {})
        before = proxy.encrypted if proxy else 0
        store = DatabaseStore(
            postgres.address(port=proxy.port if proxy else None, **options), timeout_s=TIMEOUT_S
        )
        store.put("predictions/day=2026-03-01/a.parquet", part(1))
        assert stored_ids(store) == ["p1"]
        return proxy is not None and proxy.encrypted > before

    for mode in ("disable", "prefer"):
        assert not uses_tls(None, mode)
    for mode in ("require", "verify-ca", "verify-full"):
        with pytest.raises(StoreError, match="Server refuses SSL"):
            uses_tls(None, mode)
    with tls_proxy(postgres, certificates / "server") as proxy:
        assert not uses_tls(proxy, "disable")
        for mode in ("prefer", "require"):
            assert uses_tls(proxy, mode)
        root = str(certificates / "server.crt")
        for mode in ("verify-ca", "verify-full"):
            assert uses_tls(proxy, mode, root=root)
            for other in ("", str(certificates / "other.crt")):
                with pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED"):
                    uses_tls(proxy, mode, root=other)
    with tls_proxy(postgres, certificates / "other") as proxy:
        root = str(certificates / "other.crt")
        assert uses_tls(proxy, "verify-ca", root=root)
        with pytest.raises(StoreError, match="IP address mismatch"):
            uses_tls(proxy, "verify-full", root=root)
        with pytest.raises(StoreError, match="No such file"):
            uses_tls(proxy, "verify-full", root="/none.crt")


@contextmanager
def tls_proxy(postgres: PostgresServer, certificate: Path) -> Iterator[Proxy]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate.with_suffix(".key"))
    proxy = Proxy(postgres.port, tls=context)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def locked(
    postgres: PostgresServer, statement: str = "select pg_advisory_lock(7)"
) -> Iterator[None]:
    """Another session holds a lock."""
    with postgres.session() as session:
        session.run("begin")
        session.run(statement)
        yield


def waiting_for_lock(postgres: PostgresServer) -> bool:
    return bool(
        postgres.run(
            "select 1 from pg_stat_activity where application_name = 'modelwatch' "
            "and wait_event_type = 'Lock'"
        )
    )


def address_of(store: DatabaseStore, postgres: PostgresServer) -> str:
    """The address of a store at the server itself, with the password."""
    return postgres.address(store.address.partition("schema=")[2])


def _ids(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]
