"""Makes this repository a company's own: ``make own``.

Removes what the clouds that are not wanted need, writes whose the repository is, and leaves
``docs/to-do.md``: what only a person can do. At last it removes itself.
"""

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Final

from own_answers import QUESTIONS, Answers, InvalidAnswerError, Question
from own_clouds import MarkError, keep_parts, unwanted_paths
from own_texts import TextError, changed_texts
from service_files import ServiceFileError, services
from working_tree import ROOT, fail, git, require_clean

# The files of this program, which runs once.
_OWN: Final = re.compile(r"tools/(?:tests/test_)?own(?:_\w+)?\.\w+$")


def main() -> None:
    """Change the repository as the answers say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for question in QUESTIONS:
        parser.add_argument(f"--{question.name}", default="", help=f"{question.text}.")
    given: dict[str, str] = vars(parser.parse_args())
    require_clean()
    answers = Answers(**_answers(given))  # type: ignore[arg-type]
    try:
        names = [service.name for service in services(ROOT)]
        removed, texts = plan(answers, names)
    except (ServiceFileError, MarkError, TextError) as error:
        fail(f"{error}.", "Nothing was changed. Correct it, commit, and try again.")
    git("rm", "-r", "--quiet", "--", *removed)
    for path, text in texts.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
    git("add", "--", *texts)
    clouds = " and ".join(sorted(answers.clouds)) or "no cloud"
    sys.stdout.write(
        f"This repository belongs to {answers.organization} now, and deploys to {clouds}:"
        f" {len(removed)} files are removed, {len(texts)} are written,\nnothing is committed."
        " docs/to-do.md lists what only a person can do. To undo it all: git reset --hard\n"
    )


def plan(answers: Answers, names: list[str]) -> tuple[list[str], dict[str, str]]:
    """What would be removed, and the new texts by their paths; nothing is changed.

    Raises:
        MarkError: A file has marks that do not fit together.
        TextError: A passage that has to change is not there.
    """
    listed = git("ls-files", "-z").split("\0")
    paths = [path for path in listed if path and not (ROOT / path).is_symlink()]
    removed = [*unwanted_paths(paths, answers.clouds), *(one for one in paths if _OWN.match(one))]
    texts = changed_texts(ROOT, answers, git("rev-parse", "HEAD").strip(), names)
    for path in sorted({*paths} - {*removed} - texts.keys()):
        if (text := _read(ROOT / path)) is not None:
            try:
                kept = keep_parts(text, answers.clouds)
            except MarkError as error:
                raise MarkError(f"{path}, {error}") from None
            if kept != text:
                texts[path] = kept
    return removed, texts


def _answers(given: dict[str, str]) -> dict[str, object]:
    """The answers, checked; those that are missing are asked for on a terminal."""
    missing = [one for one in QUESTIONS if not given[one.name].strip()]
    if missing and not (os.isatty(0) and os.isatty(1)):
        words = " ".join(f"{one.variable}=…" for one in missing)
        fail(
            f"There is no terminal to ask on, and these are missing: {words}.", "Give all of them."
        )
    wrong, found = [], {}
    for question in QUESTIONS:
        if question in missing:
            continue
        try:
            found[question.name] = question.check(given[question.name].strip())
        except InvalidAnswerError as error:
            wrong.append(f"{question.variable}: {error}")
    if wrong:
        fail(" ".join(wrong), "Nothing was changed.")
    return found | {question.name: _ask(question) for question in missing}


def _ask(question: Question) -> object:
    while True:
        try:
            return question.check(input(f"{question.text}: ").strip())
        except InvalidAnswerError as error:
            sys.stdout.write(f"{error}\n")
        except (EOFError, KeyboardInterrupt):
            fail("There was no answer.", "Nothing was changed.")


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


if __name__ == "__main__":
    main()
