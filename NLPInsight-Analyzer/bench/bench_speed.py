"""Measures NLPInsight's speed as served on one core, and what batching would gain.

Trains and seals the linear model with the service's command line, on sample data or on given texts;
a sealed transformer may be given too. Each model is served on one core and asked over HTTP for one
text after the other. Measured are the model time that the service reports in its answers, the
linear model compared with its scikit-learn pipeline, and one text at a time compared with many at
once: the most that batching concurrent requests could gain (docs/adr/013). Comparisons are of the
CPU time of one thread, which does not count waiting on a busy core. Their sides alternate, and the
result is the ratio of their medians.

Sections that are not measured keep their earlier results. It imports nothing from the service: it
times the predictor that ``modelseal.open_sealed`` returns, and answers over HTTP.

    make bench-NLPInsight-Analyzer
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import joblib
import numpy as np
from measuring import (
    check_promises,
    cpu_timed,
    machine,
    make_parser,
    read_results,
    run_command,
    timed,
    write_results,
)
from modelseal import open_sealed
from rich.console import Console
from rich.table import Table
from servicekit.files import sha256_of_file
from servicekit.launch import ServiceProcess
from texts import read_texts, sample_texts
from threadpoolctl import threadpool_limits

TEXTS = 400
TURNS = 5
SIZES = (1, 4, 8, 16, 32)
STARTS = 3

# Promised: how many times faster the linear model is than its pipeline, the median milliseconds for
# a text of a tweet's length, and the seconds until a service is ready. The first is a ratio and
# holds on a busy machine too; the others need a quiet one.
PROMISED_TIMES = 3
PROMISED_MS = {"tfidf": 1.5, "transformer": 3.0}
PROMISED_READY_S = 3.0


def main() -> None:
    """Measure and write the results."""
    parser = make_parser(__doc__)
    parser.add_argument("--data", type=Path, help="Labelled texts to train on.")
    parser.add_argument("--valid", type=Path, help="Labelled texts to ask about.")
    parser.add_argument("--labels", help="Meaning of labels that are numbers, as for `train`.")
    parser.add_argument("--transformer", type=Path, help="Folder of a sealed transformer.")
    arguments = parser.parse_args()
    results = read_results(arguments.out) | {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, threadpool_limits(1):
        valid = arguments.valid or sample_texts(Path(folder) / "valid.csv")
        # Texts that are more than a link.
        texts = [text for text in read_texts(valid) if " " in text.strip()][:TEXTS]
        results["texts"] = {
            "source": arguments.valid.name if arguments.valid else "generated sample, seed 7",
            "count": len(texts),
            "median_characters": statistics.median(map(len, texts)),
        }
        results["tfidf"] = _tfidf(
            Path(folder), arguments.data, valid, texts, labels=arguments.labels
        )
        if arguments.transformer:
            results["transformer"] = results.get("transformer", {}) | _transformer(
                arguments.transformer, texts
            )
    results["load_average"] = os.getloadavg()[0]
    write_results(arguments.out, results)
    _show(results)
    check_promises(
        _promises(results),
        "Milliseconds and seconds are promised for a quiet machine; the load average is "
        f"{results['load_average']:.1f}.",
    )


def _tfidf(
    folder: Path, data: Path | None, valid: Path, texts: Sequence[str], *, labels: str | None
) -> dict[str, Any]:
    model = folder / "model"
    options: list[object] = ["--valid", valid, "--out", model, "--reports", folder / "reports"]
    options += ["--data", data] if data else []
    options += ["--labels", labels] if labels else []
    train_s, _ = timed(lambda: run_command("nlpinsight", "train", *options))
    opened = open_sealed(model)
    return {
        "model": opened.manifest.version,
        "training": {"texts": opened.manifest.data["training"]["texts"], "seconds": train_s},
        "served": _served(model, texts) | _computed(opened.predictor, texts),
        "compared_with_pipeline": _compared_with_pipeline(opened.predictor, model, texts),
        "batching": _turns_of_sizes(opened.predictor.scores, opened.predictor.scores, texts),
    }


def _transformer(model: Path, texts: Sequence[str]) -> dict[str, Any]:
    opened = open_sealed(model)
    return {
        "model": opened.manifest.version,
        "served": _served(model, texts) | _computed(opened.predictor, texts),
        "batching": _turns_of_sizes(opened.predictor.scores, _padded(model), texts),
    }


def _served(model: Path, texts: Sequence[str]) -> dict[str, float]:
    """The model time that the service reports, and the time of whole requests, one by one."""
    starts = []
    for _ in range(STARTS):
        with _service(model) as (_url, ready):
            starts.append(ready)
    with _service(model) as (url, _ready), httpx2.Client(base_url=url, timeout=60) as client:
        for text in texts[:50]:
            client.post("/predict", json={"text": text})
        inside, outside = [], []
        for text in texts:
            seconds, response = timed(
                lambda text=text: client.post("/predict", json={"text": text})
            )
            inside.append(response.json()["inference_time_ms"])
            outside.append(seconds * 1e3)
        batch = [{"text": text} for text in texts]
        took = client.post("/predict_batch", json={"texts": batch}).json()["inference_time_ms"]
    return {
        "ready_s": min(wall for wall, _ in starts),
        "ready_cpu_s": min(cpu for _, cpu in starts),
        "model_p50_ms": statistics.median(inside),
        "model_p95_ms": float(np.percentile(inside, 95)),
        "request_p50_ms": statistics.median(outside),
        "batch_per_text_ms": took / len(batch),
    }


def _computed(predictor: Any, texts: Sequence[str]) -> dict[str, float]:  # noqa: ANN401
    """The CPU time of the call that the service makes for one text."""
    seconds = [cpu_timed(lambda text=text: predictor.answer([text]))[0] for text in texts]
    return {"cpu_p50_ms": statistics.median(seconds) * 1e3}


def _compared_with_pipeline(predictor: Any, model: Path, texts: Sequence[str]) -> dict[str, float]:  # noqa: ANN401
    pipeline = joblib.load(model / "pipeline.joblib")  # written a moment ago
    fast, slow, gap = [], [], 0.0
    for _ in range(TURNS):
        for text in texts[:: TURNS - 1]:
            [read], _readings = predictor.read([text])
            ours, _scores = cpu_timed(lambda text=text: predictor.scores([text]))
            theirs, other = cpu_timed(lambda read=read: pipeline.predict_proba([read]))
            fast.append(ours)
            slow.append(theirs)
            # Compared before calibration, which the pipeline does not have.
            powers = np.exp(predictor.decide([text])[0])
            gap = max(gap, float(np.abs(powers / powers.sum() - other).max()))
    return {
        "served_ms": statistics.median(fast) * 1e3,
        "pipeline_ms": statistics.median(slow) * 1e3,
        "times_faster": statistics.median(slow) / statistics.median(fast),
        "largest_difference": gap,
    }


def _turns_of_sizes(
    one_by_one: Callable[[list[str]], Any],
    together: Callable[[list[str]], Any],
    texts: Sequence[str],
) -> list[dict[str, float]]:
    """Milliseconds per text for batches of several sizes, one by one and as one batch."""
    rows = []
    for size in SIZES:
        alone, batched = [], []
        for start in range(0, min(len(texts), 160) - size + 1, size):
            part = list(texts[start : start + size])
            seconds, _ = cpu_timed(lambda part=part: [one_by_one([text]) for text in part])
            alone.append(seconds / size)
            seconds, _ = cpu_timed(lambda part=part: together(part))
            batched.append(seconds / size)
        rows.append(
            {
                "texts": size,
                "one_by_one_ms": statistics.median(alone) * 1e3,
                "together_ms": statistics.median(batched) * 1e3,
            }
        )
    return rows


def _padded(model: Path) -> Callable[[list[str]], Any]:
    """The sealed network as a function of a batch, which it pads to its longest text."""
    import onnxruntime  # noqa: PLC0415 - only where a transformer is measured
    from tokenizers import Tokenizer  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(
        (model / "model.onnx").read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.enable_truncation(json.loads((model / "config.json").read_text())["max_length"])
    tokenizer.enable_padding()

    def scores(texts: list[str]) -> Any:  # noqa: ANN401
        encoded = tokenizer.encode_batch(texts)
        feed = {
            "input_ids": np.array([one.ids for one in encoded], dtype=np.int64),
            "attention_mask": np.array([one.attention_mask for one in encoded], dtype=np.int64),
        }
        return session.run(["logits"], feed)[0]

    return scores


@contextmanager
def _service(model: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    """Serve on one core: the address, and the wall and CPU seconds until it was ready."""
    settings = {"MODEL_DIR": model, "MODEL_SHA256": sha256_of_file(model / "manifest.json")}
    service = ServiceProcess([sys.executable, "-m", "nlpinsight", "serve"], settings)
    began = time.monotonic()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # inherited by the service
    try:
        service.__enter__()
    finally:
        os.sched_setaffinity(0, cores)
    try:
        service.wait_until_ready()
        passed = time.monotonic() - began
        yield service.url, (passed, _cpu_seconds(service.pid))
        service.stop()
    finally:
        service.end()


def _cpu_seconds(pid: int) -> float:
    """The CPU time of a process, in its own code and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(results: dict[str, Any]) -> None:
    table = Table("one core", "ready", "CPU", "model p50", "p95", "CPU p50", "request p50", "batch")
    for name in PROMISED_MS:
        served = results.get(name, {}).get("served")
        if served:
            table.add_row(
                name,
                f"{served['ready_s']:.1f} s",
                f"{served['ready_cpu_s']:.1f} s",
                *(
                    f"{served[field]:.2f} ms"
                    for field in (
                        "model_p50_ms",
                        "model_p95_ms",
                        "cpu_p50_ms",
                        "request_p50_ms",
                        "batch_per_text_ms",
                    )
                ),
            )
    Console().print(table)
    compared = results["tfidf"]["compared_with_pipeline"]
    Console().print(
        f"tfidf {compared['served_ms']:.2f} ms, its pipeline {compared['pipeline_ms']:.2f} ms: "
        f"{compared['times_faster']:.1f} times faster, {compared['largest_difference']:.1e} apart"
    )
    table = Table("texts", "back end", "one by one, per text", "together, per text")
    for name in PROMISED_MS:
        for row in results.get(name, {}).get("batching", []):
            alone, together = (f"{row[side]:.2f} ms" for side in ("one_by_one_ms", "together_ms"))
            table.add_row(str(row["texts"]), name, alone, together)
    Console().print(table)


def _promises(results: dict[str, Any]) -> dict[str, bool]:
    promises = {}
    for name, limit in PROMISED_MS.items():
        if served := results.get(name, {}).get("served"):
            found_ms, found_s = served["model_p50_ms"], served["ready_s"]
            promises[f"{name}: {found_ms:.2f} ms, not {limit} ms"] = found_ms <= limit
            promises[f"{name}: ready after {found_s:.1f} s, not {PROMISED_READY_S} s"] = (
                found_s <= PROMISED_READY_S
            )
    times = results["tfidf"]["compared_with_pipeline"]["times_faster"]
    promises[f"tfidf: {times:.1f} times faster than its pipeline, not {PROMISED_TIMES}"] = (
        times >= PROMISED_TIMES
    )
    return promises


if __name__ == "__main__":
    main()
