"""Train, seal and serve one service on sample data, send it real requests, and stop it.

Run by ``make demo-SERVICE`` in the service's own environment. The table ``demo`` of the service's
``service.toml`` lists the requests.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sample_service import flip_a_bit, send, trained

console = Console()


def main() -> None:
    """Run the demonstration of the service that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", type=Path, help="Folder of the service.")
    service: Path = parser.parse_args().service

    console.rule(f"[bold]{service.name}")
    with trained(service, tell=_say) as sample:
        with sample.served({}) as served:
            _say(f"Serving it on {served.url}")
            console.print(_answers(served.url, sample.script["requests"]))
        _say("Stopped; nothing is left running")
        _show_refusal(sample.model)


def _say(text: str) -> None:
    console.print(f"[bold cyan]{text}")


def _answers(url: str, requests: list[dict[str, Any]]) -> Table:
    table = Table("request", "status", "answer", show_lines=True)
    for request in requests:
        status, answer = send(url, request)
        if status != request.get("status", 200):
            sys.exit(f"{request['path']} answered {status}: {answer}")
        shown = {field: _pick(answer, field) for field in request["show"]}
        table.add_row(
            f"{request['title']}\n[dim]{request['method']} {request['path']}",
            str(status),
            "\n".join(f"{field}: {_short(value)}" for field, value in shown.items()),
        )
    return table


def _pick(answer: Any, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """The value at a dotted path, such as ``predictions.0.risk_level``."""
    for part in path.split("."):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    return answer


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return "".join(f"\n  {name}: {_short(item)}" for name, item in value.items())
    return str(value)


def _show_refusal(model: Path) -> None:
    """Change one bit of the model, and show that it no longer opens."""
    broken = model.with_name("broken")
    shutil.copytree(model, broken)
    file = flip_a_bit(broken)
    _say(f"One bit of {file.name} changed; opening it again")
    opening = [sys.executable, "-m", "modelseal", "open", broken]
    refused = subprocess.run(opening, capture_output=True, text=True, check=False)  # noqa: S603
    if refused.returncode != 1:
        sys.exit(f"A tampered model opened: {refused.stdout}{refused.stderr}")
    console.print(f"[red]{refused.stderr.strip()}")


if __name__ == "__main__":
    main()
