"""Conformance of a service's `split`: it holds out rows for models of the service only."""

from pathlib import Path
from typing import ClassVar

import typer
from modelseal.testing.renamed import renamed_model
from typer.testing import CliRunner


class SplitConformance:
    """What every `split` refuses. It needs the fixture ``sealed``, a model of the service.

    Attributes:
        app: The service's commands.
    """

    app: ClassVar[typer.Typer]

    def test_split_refuses_a_model_of_another_service(self, sealed: Path, tmp_path: Path) -> None:
        other = renamed_model(sealed, tmp_path / "other", name="other")
        data = tmp_path / "data.csv"
        data.write_bytes(b"")
        arguments = ["split", data, "--model", other]
        arguments += ["--training", tmp_path / "a.csv", "--held-out", tmp_path / "b.csv"]
        result = CliRunner().invoke(self.app, list(map(str, arguments)))
        assert result.exit_code == 2
        assert "holds the model 'other'" in result.stderr
        assert sorted(tmp_path.iterdir()) == [data, other]
