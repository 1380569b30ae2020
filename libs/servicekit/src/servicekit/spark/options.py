"""Options of commands that may run on Spark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import typer

from servicekit.files import DataError
from servicekit.spark.check import missing_for_spark

Engine = Literal["local", "pyspark"]

EngineOption = Annotated[
    Engine, typer.Option("--engine", help="Where rows are computed: on this machine, or on Spark.")
]
MasterOption = Annotated[str, typer.Option("--master", help="URL of the Spark master.")]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--spark", metavar="NAME=VALUE", help="Further Spark setting. May be given several times."
    ),
]

LOCAL_MASTER: Final = "local[*]"


@dataclass(frozen=True)
class SparkOptions:
    """The Spark to use.

    Attributes:
        master: URL of the master.
        settings: Settings by name.
    """

    master: str = LOCAL_MASTER
    settings: Mapping[str, str] = field(default_factory=dict)


def spark_options(
    engine: Engine, master: str, settings: Sequence[str] | None, *, install: str
) -> SparkOptions | None:
    """The Spark that a command's options ask for; None for this machine.

    Args:
        engine: Value of ``--engine``.
        master: Value of ``--master``.
        settings: Values of ``--spark``.
        install: Command that installs Spark's packages.

    Raises:
        DataError: Spark cannot start here, or a setting has no value.
    """
    options = SparkOptions(master, read_settings(settings))
    if engine == "local":
        return None
    if missing := missing_for_spark(install=install, instead="--engine local"):
        raise DataError(missing)
    return options


def read_settings(given: Sequence[str] | None) -> dict[str, str]:
    """Settings by name from the values of ``--spark``.

    Raises:
        DataError: One is not NAME=VALUE.
    """
    settings = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise DataError(f"--spark {one}: give a setting as NAME=VALUE.")
        settings[name] = value
    return settings
