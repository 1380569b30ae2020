"""NLPInsight's speed as served on one core, and what batching would gain.

Trains and seals the linear model by the service's command line, on sample data or on given texts;
a sealed transformer may be given, too. Each is served on one core, and asked over HTTP for one
text after the other: what counts is the model time that the service states in its answers. Beside
it stand the sealed scikit-learn pipeline, and one text at a time beside many at once, which is
what batching concurrent requests could gain at most (docs/adr/013). Comparisons are of the CPU
time of one thread: on a quiet core it is the time that passes, and on a busy one it does not
count the waiting. Their sides take turns, and what counts is the ratio of their medians.

Sections that are not measured are kept as they stand in the results file. It imports nothing of
the service: what it times is what ``modelseal.open_sealed`` returns, or answers over HTTP.

    python bench/bench_nlpinsight.py --out bench/results/nlpinsight.json
"""

import argparse
import csv
import hashlib
import json
import os
import platform
import socket
import statistics
import subprocess
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
from modelseal import open_sealed
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

TEXTS = 400
TURNS = 5
SIZES = (1, 4, 8, 16, 32)
STARTS = 3
READY_WITHIN_S = 60.0

# What is promised: the linear model beside its pipeline, and the most milliseconds that a text of a
# tweet's length takes, in the median, and the most seconds until a service is ready. The first is a
# ratio and holds on a busy machine, too; the others need a quiet one.
PROMISED_TIMES = 3
PROMISED_MS = {"tfidf": 1.5, "transformer": 3.0}
PROMISED_READY_S = 3.0


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--data", type=Path, help="labelled texts to train on")
    parser.add_argument("--valid", type=Path, help="labelled texts to ask about")
    parser.add_argument("--labels", help="meaning of labels that are numbers, as train takes it")
    parser.add_argument("--transformer", type=Path, help="folder of a sealed transformer")
    arguments = parser.parse_args()
    results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    results["machine"] = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, threadpool_limits(1):
        valid = arguments.valid or _sample(Path(folder) / "valid.csv")
        texts = _texts(valid)
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
    _write(arguments.out, results)
    _show(results)
    _check(results)


def _tfidf(
    folder: Path, data: Path | None, valid: Path, texts: Sequence[str], *, labels: str | None
) -> dict[str, Any]:
    model = folder / "model"
    command = [sys.executable, "-m", "nlpinsight", "train", "--valid", str(valid)]
    command += ["--out", str(model), "--reports", str(folder / "reports")]
    command += ["--data", str(data)] if data else []
    command += ["--labels", labels] if labels else []
    train_s, _ = _timed(lambda: subprocess.run(command, check=True))  # noqa: S603
    opened = open_sealed(model)
    return {
        "model": opened.manifest.version,
        "training": {"texts": opened.manifest.data["training"]["texts"], "seconds": train_s},
        "served": _served(model, texts) | _computed(opened.predictor, texts),
        "beside_pipeline": _beside_pipeline(opened.predictor, model, texts),
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
    """What the service says of itself, and what a client sees, one request after the other."""
    starts = []
    for _ in range(STARTS):
        with _service(model) as (_url, ready):
            starts.append(ready)
    with _service(model) as (url, _ready), httpx2.Client(base_url=url, timeout=60) as client:
        for text in texts[:50]:
            client.post("/predict", json={"text": text})
        inside, outside = [], []
        for text in texts:
            seconds, response = _timed(
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
    """The CPU time of what the service calls for one text."""
    seconds = [_worked(lambda text=text: predictor.answer([text]))[0] for text in texts]
    return {"cpu_p50_ms": statistics.median(seconds) * 1e3}


def _beside_pipeline(predictor: Any, model: Path, texts: Sequence[str]) -> dict[str, float]:  # noqa: ANN401
    pipeline = joblib.load(model / "pipeline.joblib")  # written a moment ago
    fast, slow, gap = [], [], 0.0
    for _ in range(TURNS):
        for text in texts[:: TURNS - 1]:
            [read], _readings = predictor.read([text])
            ours, _scores = _worked(lambda text=text: predictor.scores([text]))
            theirs, other = _worked(lambda read=read: pipeline.predict_proba([read]))
            fast.append(ours)
            slow.append(theirs)
            # The pipeline knows nothing of calibration: decisions are compared before it.
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
    """Milliseconds per text for so many texts, one after the other and as one batch."""
    rows = []
    for size in SIZES:
        alone, batched = [], []
        for start in range(0, min(len(texts), 160) - size + 1, size):
            part = list(texts[start : start + size])
            seconds, _ = _worked(lambda part=part: [one_by_one([text]) for text in part])
            alone.append(seconds / size)
            seconds, _ = _worked(lambda part=part: together(part))
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
    """The sealed network on a batch that is padded to its longest text."""
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
    """The service on one core, and the seconds that passed and were worked until it was ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    digest = hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()
    settings = {"PORT": str(port), "MODEL_DIR": str(model), "MODEL_SHA256": digest}
    settings |= {"DRAIN_S": "0", "LOG_LEVEL": "warning"}
    url = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # inherited by the service
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "nlpinsight", "serve"], env=os.environ | settings
        )
    finally:
        os.sched_setaffinity(0, cores)
    try:
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() - began > READY_WITHIN_S:
                sys.exit("The service was not ready in time.")
            time.sleep(0.01)
        passed = time.monotonic() - began
        yield url, (passed, _cpu_seconds(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def _cpu_seconds(pid: int) -> float:
    """What a process has worked, in its own code and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/ready", timeout=5).is_success
    except httpx2.HTTPError:
        return False


def _sample(path: Path) -> Path:
    command = [sys.executable, "-m", "nlpinsight", "generate", str(path)]
    subprocess.run([*command, "--texts", "1000", "--seed", "7"], check=True)  # noqa: S603
    return path


def _texts(path: Path) -> list[str]:
    """Texts that are more than a link, as they come."""
    with path.open(encoding="utf-8", newline="") as file:
        found = [row["text"] for row in csv.DictReader(file)]
    return [text for text in found if " " in text.strip()][:TEXTS]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _worked(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.thread_time()
    result = work()
    return time.thread_time() - began, result


def _write(path: Path, results: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(results, file, indent=2)
        file.write("\n")
    Path(file.name).replace(path)


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
    beside = results["tfidf"]["beside_pipeline"]
    Console().print(
        f"tfidf {beside['served_ms']:.2f} ms, its pipeline {beside['pipeline_ms']:.2f} ms: "
        f"{beside['times_faster']:.1f} times faster, {beside['largest_difference']:.1e} apart"
    )
    table = Table("texts", "back end", "one by one, per text", "together, per text")
    for name in PROMISED_MS:
        for row in results.get(name, {}).get("batching", []):
            alone, together = (f"{row[side]:.2f} ms" for side in ("one_by_one_ms", "together_ms"))
            table.add_row(str(row["texts"]), name, alone, together)
    Console().print(table)


def _check(results: dict[str, Any]) -> None:
    broken = [
        f"{name}: {results[name]['served']['model_p50_ms']:.2f} ms, not {limit} ms"
        for name, limit in PROMISED_MS.items()
        if results.get(name, {}).get("served", {}).get("model_p50_ms", 0) > limit
    ]
    broken += [
        f"{name}: ready after {results[name]['served']['ready_s']:.1f} s, not {PROMISED_READY_S} s"
        for name in PROMISED_MS
        if results.get(name, {}).get("served", {}).get("ready_s", 0) > PROMISED_READY_S
    ]
    times = results["tfidf"]["beside_pipeline"]["times_faster"]
    if times < PROMISED_TIMES:
        broken.append(f"tfidf: {times:.1f} times faster than its pipeline, not {PROMISED_TIMES}")
    if broken:
        sys.exit(
            f"Not as fast as promised: {'; '.join(broken)}. Milliseconds and seconds are promised "
            f"for a quiet machine; the load average is {results['load_average']:.1f}."
        )


if __name__ == "__main__":
    main()
