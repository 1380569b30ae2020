"""Shows the whole loop of one service: traffic, drift, alert, challenger, promotion.

Run by ``make loop`` in the environment of modelwatch. The service declares its traffic; see
``declaration.py``. At the end, OUT has one HTML page, the picture, and the reports and the decision
as the commands wrote them. Nothing is left running, also after a failure or an interrupt.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from alerts import AlertsError, find_promtool
from commands import CommandFailedError
from declaration import NotDeclaredError, read_declaration
from modelseal.signals import exit_on_sigterm
from modelseal.temporary_outputs import Temporary
from page import render_page
from picture import render_picture, standalone
from rich.console import Console
from service_files import ServiceFileError
from servicekit.launch import NotListeningError, NotReadyInTimeError
from simulation import LoopError, Simulation
from story import tell_story
from traffic import TrafficError

HISTORY = 6_000
PER_DAY = 200

_FAILURES = (
    AlertsError,
    AssertionError,
    CommandFailedError,
    LoopError,
    NotDeclaredError,
    NotListeningError,
    NotReadyInTimeError,
    ServiceFileError,
    TrafficError,
)

console = Console(highlight=False)


def main() -> int:
    """Run the loop of the service that the command line names; 0, 1 if it fails, 130 or 143."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("service", type=Path, help="Folder of the service.")
    parser.add_argument("--out", type=Path, required=True, help="Folder for the page.")
    given = parser.parse_args()
    out: Path = given.out.resolve()
    try:
        with exit_on_sigterm(), tempfile.TemporaryDirectory(prefix="loop-") as work:
            _run(given.service, Path(work), out)
    except _FAILURES as error:
        sys.stderr.write(f"The loop failed: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; nothing is left running\n")
        return 130
    return 0


def _run(folder: Path, work: Path, out: Path) -> None:
    began = time.monotonic()

    def tell(day: date, text: str) -> None:
        line = f"[dim]{time.monotonic() - began:4.0f} s[/]  [bold cyan]{day}[/]  {text}"
        console.print(line, soft_wrap=True)

    simulation = Simulation(
        read_declaration(folder),
        work,
        promtool=find_promtool(),
        tell=tell,
        history=HISTORY,
        per_day=PER_DAY,
    )
    console.rule(f"[bold]{simulation.service.name}")
    simulation.run()
    for name, day in (story := tell_story(simulation)).first_alert.items():
        tell(day, f"{name} fires first")
    after = story.after
    console.print(
        f"{story.metric} after the promotion: {after.challenger:.4f}, and {after.champion:.4f} if "
        f"the champion had stayed (gain {after.low:.4f} to {after.high:.4f})"
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with Temporary(out) as temporary:
        shutil.copytree(work / "reports", temporary.path / "reports")
        shutil.copytree(work / "alerts", temporary.path / "alerts")
        # The models are as good as gone: the bucket was a temporary folder.
        ignored = shutil.ignore_patterns("challenger")
        shutil.copytree(simulation.decision, temporary.path / "decision", ignore=ignored)
        for name, text in {
            "index.html": render_page(story),
            "loop.svg": standalone(render_picture(story)),
            "loop.json": json.dumps(story.document(), indent=2) + "\n",
        }.items():
            (temporary.path / name).write_text(text, encoding="utf-8")
        temporary.put_folder()
    console.print(f"Nothing is left running. The story: [bold]{out / 'index.html'}")


if __name__ == "__main__":
    sys.exit(main())
