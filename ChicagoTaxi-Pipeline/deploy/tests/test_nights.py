"""The nightly pipeline, run: podman makes its pod, of the real image, against a small portal."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path

import pytest
from images.containers import run
from images.services import SERVICES, Service
from kubernetes.played import Played, cluster_of, needs_image

pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]

FOLDER = Path(__file__).resolve().parents[2].name
PIPELINE = "chicagotaxi-pipeline"


@pytest.fixture(scope="module")
def service() -> Service:
    [found] = [one for one in SERVICES if one.folder == FOLDER]
    needs_image(found)
    return found


@pytest.fixture(scope="module")
def digest(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster_of(service, tmp_path_factory.mktemp(service.package)) as found:
        yield found


@pytest.fixture(scope="module")
def nights(
    service: Service,
    digest: str,
    portal: Callable[[Path], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """What the nights log: one with trips of two months, one with nothing new."""
    folder = tmp_path_factory.mktemp("portal")
    last = (date.today().replace(day=1) - timedelta(days=1)).replace(day=1)  # noqa: DTZ011
    first = (last - timedelta(days=40)).replace(day=1)
    code = (
        "import subprocess, sys\n"
        "command = ['-m', 'chicagotaxi', 'generate', '/tmp/trips.csv', *sys.argv[1:]]\n"
        "subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)\n"
        "print(open('/tmp/trips.csv').read(), end='')\n"
    )
    options = ["--dialect=api", "--dirt=0", "--rows=60000", f"--first={first}"]
    options.append(f"--days={(last - first).days}")
    made = run(service.image, "-c", code, *options, entrypoint="python")
    assert made.returncode == 0, made.stderr
    trips = folder / "trips.csv"
    trips.write_text(made.stdout, encoding="utf-8")
    with portal(trips) as address:
        return {
            back: night(service, digest, folder, PORTAL=address, MONTHS_BACK=back)
            for back in ("3", "1")
        }


def night(service: Service, digest: str, folder: Path, **settings: str) -> str:
    """Run the pipeline's pod to its end; what it logged."""
    with Played("CronJob", PIPELINE, service, digest, folder, settings) as played:
        return played.end()


def test_the_nights_make_a_batch_and_leave_it_where_nothing_is_new(
    nights: dict[str, str],
) -> None:
    assert "nothing new" not in nights["3"]
    assert "nothing new, the batch that is there stays" in nights["1"]
