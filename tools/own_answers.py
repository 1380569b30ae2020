"""The questions of ``make own``, and the answers that it accepts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

__all__ = ["QUESTIONS", "Answers", "InvalidAnswerError", "Question"]

# The clouds, each with the words of its parts of paths: deploy/terraform/gcp, docs/deploy-gke.md.
CLOUDS: Final = {"gcp": ("gcp", "gke", "google"), "aws": ("aws", "eks")}

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}\.)+[a-z]{{2,63}}")
_MAIL: Final = re.compile(rf"[\w.+-]+@(?:{_LABEL}\.)+[a-z]{{2,63}}", re.ASCII | re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")
_TEAM: Final = re.compile(r"@[A-Za-z0-9][A-Za-z0-9-]{0,38}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_PLACEHOLDERS: Final = re.compile(r"(?:^|[.@])example\.(?:com|net|org)$|\.(?:example|invalid)$")


class InvalidAnswerError(ValueError):
    """An answer cannot be used. The message says what is wrong and what fits."""


@dataclass(frozen=True)
class Answers:
    """The answers of a company.

    Attributes:
        organization: Its name, for the licence and the README.
        repository: The address of its repository, https://HOST/OWNER/NAME.
        domain: The domain of its services, which are at SERVICE.DOMAIN.
        contact: Mail address for vulnerabilities and budgets.
        team: Owner of the code on the host of the repository.
        clouds: The clouds that it deploys to, none or several of CLOUDS.
        licence: apache or proprietary.
    """

    organization: str
    repository: str
    domain: str
    contact: str
    team: str
    clouds: frozenset[str]
    licence: str

    @property
    def slug(self) -> str:
        """The repository as OWNER/NAME."""
        return urlsplit(self.repository).path.strip("/")


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        name: The field of the answer; in capitals, the variable of make.
        text: What to answer, with an example.
        check: Returns the answer as it is used, or raises InvalidAnswerError.
    """

    name: str
    text: str
    check: Callable[[str], object]

    @property
    def variable(self) -> str:
        """The variable of make."""
        return self.name.upper()


def _organization(text: str) -> str:
    if not text.isprintable() or len(text) > 80 or re.search(r'[<>`"\\|*_#$]', text):  # noqa: PLR2004
        raise InvalidAnswerError(
            f"{text!r} is not a name of at most 80 characters without quotes and markup."
        )
    return text


def _repository(text: str) -> str:
    # The address of SSH that hosts show: git@HOST:OWNER/NAME.git
    address = re.sub(r"^(?:ssh://)?git@([^:/]+)[:/]", r"https://\1/", text).rstrip("/")
    parts = urlsplit(address.removesuffix(".git"))
    names = parts.path.strip("/").split("/")
    known = (
        parts.scheme == "https"
        and _DOMAIN.fullmatch(parts.netloc)
        and len(names) == 2  # noqa: PLR2004 - owner and name
        and all(map(_NAME.fullmatch, names))
    )
    if not known or parts.query or parts.fragment:
        raise InvalidAnswerError(
            f"{text!r} is not the address of a repository, such as"
            " https://github.com/acme/predictions."
        )
    return f"https://{parts.netloc}/{'/'.join(names)}"


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text) or len(text) > 200 or _PLACEHOLDERS.search(text):  # noqa: PLR2004
        raise InvalidAnswerError(
            f"{text!r} is not a domain of yours in small letters, without a wildcard and without"
            " https://, such as ml.acme.com."
        )
    return text


def _contact(text: str) -> str:
    if not _MAIL.fullmatch(text) or _PLACEHOLDERS.search(text):
        raise InvalidAnswerError(f"{text!r} is not a mail address, such as security@acme.com.")
    return text


def _team(text: str) -> str:
    if not (_TEAM.fullmatch(text) or _MAIL.fullmatch(text)):
        raise InvalidAnswerError(
            f"{text!r} is not an owner of code, such as @acme/predictions or a mail address."
        )
    return text


def _clouds(text: str) -> frozenset[str]:
    words = text.replace(",", " ").lower().split()
    if words == ["none"]:
        return frozenset()
    if unknown := sorted({*words} - CLOUDS.keys()):
        raise InvalidAnswerError(
            f"{' '.join(unknown)}: no such cloud. Name one or several of"
            f" {' '.join(sorted(CLOUDS))}, or none."
        )
    return frozenset(words)


def _licence(text: str) -> str:
    if text.lower() not in ("apache", "proprietary"):
        raise InvalidAnswerError(f"{text!r} is neither apache nor proprietary.")
    return text.lower()


QUESTIONS: Final = (
    Question("organization", "Name of the organization, such as Acme Ltd.", _organization),
    Question(
        "repository",
        "Address of the repository, such as https://github.com/acme/predictions",
        _repository,
    ),
    Question("domain", "Domain of the services, such as ml.acme.com", _domain),
    Question("contact", "Mail address for vulnerabilities and budgets", _contact),
    Question("team", "Owner of the code, such as @acme/predictions", _team),
    Question("clouds", "Clouds: gcp, aws, both (gcp aws), or none", _clouds),
    Question("licence", "Licence of your changes: apache or proprietary", _licence),
)
