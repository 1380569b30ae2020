"""A locust user that asks the questions of a mix, and checks every answer."""

import json
import os
import random
from pathlib import Path
from typing import Any, ClassVar, Final

import gevent
from answers import Answers, read_answers
from examples import FailureExamples
from geventhttpclient import client
from locust import FastHttpUser, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment
from questions import Answer, Facts, Kind, NotProvenError, Question, WrongAnswerError

# A GET whose connection is closed before its answer would be sent again, and a lost request would
# not be seen.
client.IDEMPOTENT_METHODS = frozenset()

# Only in the environment: command lines are public, and are in reports.
KEY: Final = os.environ.get("LOAD_TEST_API_KEY", "")
HEADERS: Final = {"X-API-Key": KEY} if KEY else {}
# With recorded answers of sealed models, the service is restarted meanwhile, and may refuse.
REFUSALS: Final = (408, 503, 504)
REFUSED: Final = "(refused with a documented status)"
NOT_ACCEPTED: Final = "(connection not accepted)"
THINK_TIME_S: Final = 0.05
_MALFORMED: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class Checker:
    """Checks answers, for all users of a process.

    Args:
        models: Files with the recorded answers of sealed models; empty in a plain load test.

    Attributes:
        restarts: Whether the service is restarted meanwhile, and may refuse.
        answers: What was answered.
        refused: Number of documented refusals.
    """

    def __init__(self, models: list[Path]) -> None:
        self.restarts = bool(models)
        self.answers = Answers(read_answers(models))
        self.refused = 0

    def check(self, question: Question, status: int, answer: Answer) -> bool:
        """Whether an answer is the answer, and not a documented refusal.

        Raises:
            WrongAnswerError: It is neither.
        """
        if self.restarts and status in REFUSALS and _code(answer):
            self.refused += 1
            return False
        if status != question.status:
            raise WrongAnswerError(f"status {status}{_code(answer)}, expected {question.status}")
        try:
            facts: Facts = question.check(answer)
        except NotProvenError:
            if not self.restarts:
                raise
            self.refused += 1
            return False
        except _MALFORMED as error:
            raise WrongAnswerError(f"it has another form: {error!r}") from error
        self.answers.compare(facts)
        return True


def _code(answer: Answer) -> str:
    """The code of a problem document, in parentheses; empty for other answers."""
    body = answer.body
    if isinstance(body, dict) and str(body.get("type", "")).startswith("urn:problem-type:"):
        return f" ({body['type'].rpartition(':')[2]})"
    return ""


class LoadUser(FastHttpUser):
    """A client that asks the questions of a mix, one after the other.

    Attributes:
        mix: The kinds of questions; a service's ``load/locustfile.py`` sets them.
        checker: Checks the answers.
        examples: Keeps the first failure of each kind.
    """

    abstract = True
    wait_time = constant(THINK_TIME_S)
    # Certificates are verified.
    insecure = False
    network_timeout = 60.0
    connection_timeout = 10.0

    mix: ClassVar[list[Kind]]
    checker: ClassVar[Checker]
    examples: ClassVar[FailureExamples]

    @task
    def ask_one(self) -> None:
        """Ask a random question of the mix."""
        [kind] = random.choices(self.mix, [kind.weight for kind in self.mix])  # noqa: S311
        self.ask(kind, random.choice(kind.questions))  # noqa: S311

    def ask(self, kind: Kind, question: Question) -> None:
        """Ask a question, and count its answer as a success or a failure."""
        with self.client.request(
            question.method,
            question.path,
            name=kind.name,
            data=question.payload,  # type: ignore[arg-type] # passed on as it is
            headers=HEADERS | ({"Content-Type": "application/json"} if question.payload else {}),
            catch_response=True,
        ) as response:
            error = getattr(response, "error", None)
            if isinstance(error, ConnectionRefusedError) and self.checker.restarts:
                response.request_meta["name"] = NOT_ACCEPTED
                response.success()
                return
            if response.status_code == 0:
                self._fail(response, question, f"no answer: {error!r}")
                return
            try:
                answered = self.checker.check(question, response.status_code, _answer(response))
            except WrongAnswerError as wrong:
                self._fail(response, question, str(wrong))
                return
            if not answered:
                response.request_meta["name"] = REFUSED
            response.success()

    def _fail(self, response: ResponseContextManager, question: Question, why: str) -> None:
        self.examples.note(why, question, (response.content or b"").decode(errors="replace"))
        response.failure(why)  # type: ignore[no-untyped-call]


class RecordingUser(LoadUser):
    """A client that asks every question once, and then ends the run."""

    abstract = True
    wait_time = constant(0)

    @task
    def ask_one(self) -> None:
        """Ask all questions."""
        for kind in self.mix:
            for question in kind.questions:
                self.ask(kind, question)
        if self.environment.runner is not None:
            self.environment.runner.quit()


def _answer(response: ResponseContextManager) -> Answer:
    headers = {name.lower(): str(value) for name, value in (response.headers or {}).items()}
    try:
        # Not the response's own methods, which guess the encoding.
        body: Any = json.loads(response.content or b"")
    except ValueError:
        body = None
    return Answer(body, headers)


@events.init_command_line_parser.add_listener
def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--sealed-answers",
        action="append",
        type=Path,
        default=[],
        help="Recorded answers of a sealed model; may be given several times.",
    )
    parser.add_argument("--record", type=Path, help="File for the answers, to be compared later.")


@events.init.add_listener
def _set_up(environment: Environment, **_: object) -> None:
    options = environment.parsed_options
    if options is None:
        raise TypeError("load tests run from the command line")
    # Timers count from the time that the loop knows, which is that before all was imported.
    gevent.get_hub().loop.update_now()
    LoadUser.checker = Checker(options.sealed_answers)
    LoadUser.examples = FailureExamples()
    if options.record:
        environment.user_classes = [
            type("Recorder", (RecordingUser,), {"mix": kind.mix, "host": kind.host})
            for kind in environment.user_classes
            if issubclass(kind, LoadUser)
        ]


@events.quitting.add_listener
def _write(environment: Environment, **_: object) -> None:
    options = environment.parsed_options
    if options is not None and options.record:
        LoadUser.checker.answers.write(options.record)
