"""Other model servers: how each is installed, started and asked.

Each has an environment of its own for each service, made by make from
``requirements-PEER.txt``. Each is measured with the plain pipeline and with the service's model
code inside, and with adaptive batching on and off.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contestants import ROOT, Contestant, Service, Target
from wrk import Request

FOLDER: Final = Path(__file__).resolve().parent / "peers"
ENVIRONMENTS: Final = ".tools/serving"
PIPELINE: Final = "pipeline"
MODEL_CODE: Final = "model code"
CODES: Final = (PIPELINE, MODEL_CODE)
BATCHING: Final = (False, True)


@dataclass(frozen=True)
class Way:
    """One way to run a peer.

    Attributes:
        service: The service.
        workload: The description of its workload.
        code: `PIPELINE` or `MODEL_CODE`.
        batching: Whether requests are gathered.
    """

    service: Service
    workload: Mapping[str, Any]
    code: str
    batching: bool

    @property
    def body(self) -> Any:  # noqa: ANN401 - JSON
        """The service's own body."""
        return self.workload["body"]

    def expected(self, place: str = "") -> dict[str, Any]:
        """What an answer must have, where the service's own answer is at a dotted path."""
        prefix = f"{place}." if place else ""
        if self.code == PIPELINE:
            number = self.workload["expected"][self.workload["pipeline_number"]]
            return {f"{prefix}value": number}
        return {f"{prefix}{path}": value for path, value in self.workload["expected"].items()}


@dataclass(frozen=True)
class Started:
    """The command of a peer, and the request that it takes.

    Attributes:
        command: After the folder of the environment's programs; ``{port}`` is replaced.
        path: Path of the request.
        body: Body of the request.
        expected: What an answer must have.
        environment: Further environment variables.
    """

    command: tuple[str, ...]
    path: str
    body: Any
    expected: Mapping[str, Any]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Peer:
    """A model server.

    Attributes:
        name: Its name.
        key: Its name in files.
        settings: Its production settings, in words, for the report.
        start: Prepares a folder, and returns the command and the request.
    """

    name: str
    key: str
    settings: str
    start: Callable[[Way, Path], Started]


def environment_of(peer: Peer, service: Service) -> str:
    """The folder of a peer's environment, from the root."""
    return f"{ENVIRONMENTS}/{peer.key}/{service.name}"


def name_of(peer: Peer, code: str, *, batching: bool) -> str:
    """The name of a way to run a peer."""
    return f"{peer.name}, {code}, batching {'on' if batching else 'off'}"


def all_names() -> list[str]:
    """The names of all ways to run all peers."""
    return [
        name_of(peer, code, batching=batching)
        for peer in PEERS
        for code in CODES
        for batching in BATCHING
    ]


def contestants(peer: Peer, service: Service, scratch: Path) -> Iterator[Contestant]:
    """Every way to run a peer with a service's workloads."""
    programs = ROOT / environment_of(peer, service) / "bin"
    for workload in service.described["workloads"]:
        if not workload["peers"]:
            continue
        for code in CODES if workload["pipeline_file"] else (MODEL_CODE,):
            for batching in BATCHING:
                way = Way(service, workload, code, batching)
                folder = scratch / f"{len(list(scratch.iterdir()))}"
                folder.mkdir()
                started = peer.start(way, folder)
                program, *arguments = started.command
                environment = service.environment(
                    BENCH_WORKLOAD=workload["name"],
                    BENCH_CODE=code,
                    BENCH_BATCHING="on" if batching else "off",
                    BENCH_SCRATCH=str(folder),
                    HOME=str(folder),
                    **started.environment,
                )
                environment["PATH"] = f"{programs}:{environment['PATH']}"
                environment["PYTHONPATH"] += f":{FOLDER}"
                yield Contestant(
                    service.name,
                    name_of(peer, code, batching=batching),
                    [str(programs / program), *arguments],
                    environment,
                    [
                        Target(
                            workload=workload["name"],
                            request=Request("POST", started.path, started.body, {}),
                            expected=started.expected,
                            tolerance=workload["tolerance"],
                            connections=tuple(workload["connections"]),
                            seconds=workload["seconds"],
                        )
                    ],
                    folder,
                )


def _bentoml(way: Way, folder: Path) -> Started:
    command = ("bentoml", "serve", "bentoml_server:Measured", "--host", "127.0.0.1")
    return Started(
        (*command, "--port", "{port}", "--working-dir", str(FOLDER)),
        "/predict",
        {"requests": [way.body]},
        way.expected("0"),
        {"BENTOML_HOME": str(folder), "BENTOML_DO_NOT_TRACK": "true"},
    )


def _litserve(way: Way, folder: Path) -> Started:
    del folder
    command = ("python", str(FOLDER / "litserve_server.py"))
    return Started(command, "/predict", way.body, way.expected(), {})


def _ray(way: Way, folder: Path) -> Started:
    del folder
    command = ("python", str(FOLDER / "ray_server.py"))
    environment = {
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray gives up after seconds, and a busy core needs longer for its eight processes.
        "RAY_agent_register_timeout_ms": "170000",
        "RAY_raylet_start_wait_time_s": "170",
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "120",
    }
    return Started(command, "/predict", way.body, way.expected(), environment)


_DATATYPES: Final = {int: "INT64", float: "FP64", str: "BYTES"}


def _mlserver(way: Way, folder: Path) -> Started:
    model: dict[str, Any] = {"name": "measured"}
    if way.batching:
        model |= {"max_batch_size": 64, "max_batch_time": 0.005}
    if way.code == PIPELINE:
        shutil.copy(
            way.service.work / "model" / way.workload["pipeline_file"], folder / "model.joblib"
        )
        model |= {
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./model.joblib", "version": "1"},
        }
        inputs = [
            {
                "name": name,
                "shape": [1, 1],
                "datatype": _DATATYPES[type(value)],
                "data": [value],
                "parameters": {"content_type": "str" if isinstance(value, str) else "np"},
            }
            for name, value in way.body.items()
        ]
        body = {
            "parameters": {"content_type": "pd"},
            "inputs": inputs,
            "outputs": [{"name": "predict_proba"}],
        }
        [number] = way.expected().values()
        expected = {"outputs.0.data.1": number}
    else:
        model |= {
            "implementation": "mlserver_runtime.Measured",
            "parameters": {"version": "1"},
        }
        text = {"name": "requests", "shape": [1, 1], "datatype": "BYTES"}
        body = {"inputs": [{**text, "data": [json.dumps(way.body)]}]}
        expected = way.expected("outputs.0.data.0")
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
    environment = {
        "MLSERVER_DEBUG": "false",
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": "{port}",
        "MLSERVER_GRPC_PORT": "{port2}",
        "MLSERVER_METRICS_PORT": "{port3}",
    }
    return Started(
        ("mlserver", "start", "."), "/v2/models/measured/infer", body, expected, environment
    )


PEERS: Final = (
    Peer(
        "BentoML",
        "bentoml",
        "`bentoml serve` without `--reload` or `--development`, one worker, metrics and access log "
        "as by default; batching with `batchable=True` and BentoML's own optimizer",
        _bentoml,
    ),
    Peer(
        "LitServe",
        "litserve",
        "one API server, one worker, `fast_queue=True`, access log as by default",
        _litserve,
    ),
    Peer(
        "MLServer",
        "mlserver",
        "`debug` off, one inference worker as by default, metrics on, no access log; the plain "
        "pipeline runs in MLServer's own runtime for scikit-learn",
        _mlserver,
    ),
    Peer(
        "Ray Serve",
        "ray",
        "one replica behind one proxy, access log as by default, no dashboard",
        _ray,
    ),
)
