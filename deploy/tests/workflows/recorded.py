"""Programs that record their command lines, and print what a test wants."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = """\
#!{python}
import json, pathlib, sys
printed = pathlib.Path({folder!r})
text = ""
if "--body-file" in sys.argv:
    text = pathlib.Path(sys.argv[sys.argv.index("--body-file") + 1]).read_text()
with (printed / "calls").open("a") as file:
    file.write(json.dumps([pathlib.Path(sys.argv[0]).name, *sys.argv[1:], text]) + "\\n")
answers = json.loads((printed / "answers.json").read_text())
for words, (status, output) in answers.items():
    if words in " ".join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]):
        print(output)
        print(output, file=sys.stderr)
        sys.exit(status)
"""


@dataclass(frozen=True)
class Programs:
    """A folder of recording programs."""

    folder: Path

    def answer(self, answers: dict[str, tuple[int, str]]) -> None:
        """Set exit status and output for words of the command line."""
        (self.folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")

    def calls(self) -> list[list[str]]:
        """All command lines, each with the text of its --body-file at the end."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def environment(self) -> dict[str, str]:
        """An environment in which these programs are found first."""
        return os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}"}


def lay(folder: Path, *names: str) -> Programs:
    """Put programs into a new folder."""
    folder.mkdir()
    for name in names:
        path = folder / name
        path.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)), "utf-8")
        path.chmod(0o755)
    found = Programs(folder)
    found.answer({})
    return found
