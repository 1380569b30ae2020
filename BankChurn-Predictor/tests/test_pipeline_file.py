"""Models that lie consistently: a hostile pickle, sealed with the digests that it has."""

import copy
import copyreg
import io
import pickle
import subprocess
import sys
import types
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import payloads
import pytest
import sklearn
from bankchurn.api import Settings, create_app
from bankchurn.cli import app
from bankchurn.model import pipeline_file, stack
from bankchurn.model.pipeline_file import PipelineUnpickler, read_pipeline, unpack, write_pipeline
from bankchurn.model.pipeline_globals import PIPELINE_GLOBALS
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.sample import generate_sample
from bankchurn.schema import IDENTIFIERS
from bankchurn.training.train import TrainedModel, TrainingOptions, train
from modelseal import SealError, open_sealed
from modelseal.errors import UnsafePickleError
from modelseal.restricted_pickle import name_of
from payloads import build, call, dict_of, make, name, number, text, tuple_of
from servicekit.testing import wait_until
from sklearn.pipeline import Pipeline
from sklearn.tree._tree import Tree
from starlette.testclient import TestClient
from typer.testing import CliRunner

# What a service without a list does.
UNGUARDED = """
import sys
import joblib
import payloads
payloads.register_extension()
joblib.load(sys.argv[1])
"""


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that a payload makes if it is executed."""
    return tmp_path / "executed"


@pytest.fixture
def extension() -> Iterator[None]:
    payloads.register_extension()
    yield
    copyreg.remove_extension("posix", "system", payloads.EXTENSION)


def test_the_pipeline_names_everything_in_the_list(training: TrainedModel) -> None:
    reader = PipelineUnpickler(io.BytesIO(unpack(training.files[pipeline_file.FILE_NAME])))
    reader.load()
    listed = PIPELINE_GLOBALS.instances | PIPELINE_GLOBALS.calls | PIPELINE_GLOBALS.references
    assert sorted(map(name_of, listed - reader.used)) == []


def test_the_allowed_calls_and_references_are_exactly_these() -> None:
    # Found in what numpy and scikit-learn pickle: whatever a library adds is to be seen here.
    assert set(map(name_of, PIPELINE_GLOBALS.calls)) == {
        "_loss:CyHalfBinomialLoss",
        "_loss:__pyx_unpickle_CyHalfBinomialLoss",
        "bankchurn.model.pipeline_globals:_bytes_in_an_array",
        "collections:defaultdict",
        "numpy.core.multiarray:_reconstruct",
        "numpy.core.multiarray:scalar",
        "numpy.core.numeric:_frombuffer",
        "numpy.random._pickle:__bit_generator_ctor",
        "numpy.random._pickle:__randomstate_ctor",
        "numpy:dtype",
        "sklearn.tree._tree:Tree",
    }
    assert sorted(map(name_of, PIPELINE_GLOBALS.references)) == [
        "collections:OrderedDict",
        "numpy:ndarray",
    ]
    assert len(PIPELINE_GLOBALS.instances) == 20


def test_a_training_whose_pipeline_holds_something_new_names_it_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shorter = replace(PIPELINE_GLOBALS, calls=PIPELINE_GLOBALS.calls - {Tree})
    monkeypatch.setattr(pipeline_file, "PIPELINE_GLOBALS", shorter)
    table = generate_sample(600, seed=3).drop(columns=list(IDENTIFIERS))
    options = TrainingOptions(folds=2, background_rows=10)
    with pytest.raises(SealError, match=r"names sklearn\.tree\._tree:Tree.*pipeline_globals\.py"):
        train(table, source="sample", options=options)


def test_a_pipeline_answers_as_the_one_that_joblib_reads(
    training: TrainedModel, sample: pd.DataFrame
) -> None:
    contents = training.files[pipeline_file.FILE_NAME]
    by_joblib = joblib.load(io.BytesIO(contents))
    np.testing.assert_array_equal(
        read_pipeline(contents).predict_proba(sample), by_joblib.predict_proba(sample)
    )


def test_a_pipeline_that_names_the_former_module_of_the_learners_is_read(
    training: TrainedModel, sample: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = training.predictor.pipeline
    former = types.ModuleType("bankchurn.stack")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, former.__name__, former)
        for learner in (stack.ForestMargin, stack.LightGBMMargin, stack.XGBoostMargin):
            patch.setattr(former, learner.__name__, learner, raising=False)
            patch.setattr(learner, "__module__", former.__name__)
        contents = write_pipeline(pipeline)

    assert b"bankchurn.stack" in unpack(contents)
    assert b"bankchurn.model.stack" not in unpack(contents)
    np.testing.assert_array_equal(
        read_pipeline(contents).predict_proba(sample), pipeline.predict_proba(sample)
    )


@pytest.mark.parametrize("payload", payloads.PAYLOADS)
def test_a_payload_is_executed_by_joblib(payload: str, marker: Path) -> None:
    path = marker.with_name("pipeline.joblib")
    path.write_bytes(payloads.pack(payloads.PAYLOADS[payload](marker)))
    subprocess.run(
        [sys.executable, "-c", UNGUARDED, path],
        env={"PYTHONPATH": str(Path(__file__).parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    wait_until(marker.exists, "the payload is executed")


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize("payload", payloads.PAYLOADS)
def test_a_sealed_payload_is_refused_and_not_executed(
    payload: str, sealed: Path, marker: Path
) -> None:
    contents = payloads.pack(payloads.PAYLOADS[payload](marker))
    model = payloads.seal_with(sealed, marker.with_name("model"), contents)
    with pytest.raises(UnsafePickleError, match=r"^pipeline\.joblib ") as refusal:
        open_sealed(model)
    assert refusal.value.code == "unsafe-pickle"
    assert not marker.exists()


def test_a_command_ends_with_1_and_names_what_the_pickle_names(
    sealed: Path, marker: Path, customer: dict[str, object]
) -> None:
    contents = payloads.pack(payloads.PAYLOADS["posix.system"](marker))
    model = payloads.seal_with(sealed, marker.with_name("model"), contents)
    record = marker.with_name("customer.json")
    record.write_text(str(customer).replace("'", '"'))
    result = CliRunner().invoke(app, ["explain", str(record), "--model", str(model)])
    assert result.exit_code == 1
    assert "error: pipeline.joblib names posix:system, which no model of this" in result.stderr
    assert not marker.exists()


def test_a_service_is_not_ready_and_gives_the_code(sealed: Path, marker: Path) -> None:
    contents = payloads.pack(payloads.PAYLOADS["in an array of objects"](marker))
    model = payloads.seal_with(sealed, marker.with_name("model"), contents)
    settings = Settings.model_validate({"app_env": "test", "model_dir": model})
    with TestClient(create_app(settings)) as client:
        wait_until(lambda: "refusal" in client.get("/ready").json(), "the model is refused")
        ready = client.get("/ready")
    assert (ready.status_code, ready.json()["refusal"]) == (503, "unsafe-pickle")
    assert not marker.exists()


VERSION = text(sklearn.__version__)
PIPELINE = name("sklearn.pipeline", "Pipeline")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (call(PIPELINE, payloads.NONE), "calls sklearn.pipeline:Pipeline"),
        (call(name("xgboost.core", "Booster")), "calls xgboost.core:Booster"),
        (call(name("numpy", "ndarray")), "calls numpy:ndarray"),
        (call(text("upper")), "calls a str"),
        (make(name("collections", "defaultdict")), "makes instances of collections:defaultdict"),
        (make(PIPELINE, payloads.NONE), "makes an instance of sklearn.pipeline:Pipeline with"),
        (pickle.PERSID + b"1\n", "has the opcode PERSID"),
        (text("1") + pickle.BINPERSID, "has the opcode BINPERSID"),
        (pickle.NEXT_BUFFER, "has the opcode NEXT_BUFFER"),
        (text("a pipeline"), "is not a fitted pipeline"),
        (
            build(
                make(PIPELINE),
                dict_of(
                    {"steps": payloads.list_of(), "_sklearn_version": text(sklearn.__version__)}
                ),
            ),
            "is not a fitted pipeline",
        ),
    ],
)
def test_listed_globals_are_allowed_only_in_their_role(body: bytes, what: str) -> None:
    with pytest.raises(UnsafePickleError, match=rf"^pipeline\.joblib {what}"):
        read_pipeline(payloads.pack(body))


def test_a_class_cannot_be_changed() -> None:
    replaced = dict_of({"predict_proba": name("builtins", "bytearray")})
    body = build(PIPELINE, tuple_of(payloads.NONE, replaced))
    before = vars(Pipeline)["predict_proba"]
    with pytest.raises(UnsafePickleError, match=r"changes sklearn\.pipeline:Pipeline"):
        read_pipeline(payloads.pack(body))
    assert vars(Pipeline)["predict_proba"] is before


def test_a_bytearray_cannot_be_made_from_a_size() -> None:
    with pytest.raises(TypeError, match=r"bytearray\(2000000000\) in a pickle"):
        read_pipeline(payloads.pack(call(name("builtins", "bytearray"), number(2 * 10**9))))


def dtype(kind: str, state: bytes) -> bytes:
    return build(call(name("numpy", "dtype"), text(kind), payloads.FALSE, payloads.TRUE), state)


OBJECT = call(name("numpy", "dtype"), text("O8"), payloads.FALSE, payloads.TRUE)


@pytest.mark.parametrize(
    "described",
    [
        # Numbers of the file as the addresses of objects.
        dtype(
            "V8",
            tuple_of(
                *(number(3), text("|"), payloads.NONE, tuple_of(text("x"))),
                dict_of({"x": tuple_of(OBJECT, number(0))}),
                *(number(8), number(1), number(0)),
            ),
        ),
        # Longer than the memory behind it.
        dtype(
            "V1",
            tuple_of(
                *(number(3), text("|"), payloads.NONE, payloads.NONE, payloads.NONE),
                *(number(10**6), number(1), number(0)),
            ),
        ),
    ],
    ids=["addresses", "longer"],
)
def test_numbers_that_numpy_does_not_have_are_refused(described: bytes) -> None:
    with pytest.raises(UnsafePickleError, match="describes a dtype that numpy does not have"):
        read_pipeline(payloads.pack(described))


def test_a_pipeline_that_would_call_other_methods_is_refused(predictor: ChurnPredictor) -> None:
    pipeline = copy.deepcopy(predictor.pipeline)
    stack = pipeline.named_steps["stack"]
    for change, value in [
        ("stack_method_", ["decision_function"] * 3 + ["save_model"]),
        ("final_estimator_", stack.named_estimators_["forest"]),
        ("estimators_", stack.estimators_[::-1]),
    ]:
        was = getattr(stack, change)
        setattr(stack, change, value)
        with pytest.raises(UnsafePickleError, match="is not a fitted pipeline"):
            read_pipeline(write_pipeline(pipeline))
        setattr(stack, change, was)
    assert type(read_pipeline(write_pipeline(pipeline))) is Pipeline


def test_a_file_that_is_not_packed_as_a_pipeline_is_not_read(
    training: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = training.files[pipeline_file.FILE_NAME]
    with pytest.raises(ValueError, match="not compressed with zlib"):
        read_pipeline(zlib.decompress(contents))
    with pytest.raises(ValueError, match="is truncated"):
        read_pipeline(contents[:-1])
    monkeypatch.setattr(pipeline_file, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="larger than 1,000 bytes unpacked"):
        read_pipeline(contents)
