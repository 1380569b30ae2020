"""Exports a torch network to ONNX and quantizes it to int8."""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from nlpinsight.training.finetuning.network import Network

OPSET: Final = 18
"""Version of the operators, pinned because the runtime must support it."""

_INPUTS: Final = ("input_ids", "attention_mask")


def to_onnx(network: Network, *, max_length: int) -> bytes:
    """Export a network to ONNX in fp32, for batches of any size with up to `max_length` tokens."""
    # Two texts of different lengths, so that neither size becomes a constant.
    tokens = torch.full((2, 4), network.padding + 1, dtype=torch.int64)
    mask = torch.ones_like(tokens)
    mask[1, -1] = 0
    batch = torch.export.Dim("batch", min=1, max=1024)
    length = torch.export.Dim("tokens", min=2, max=max_length)
    shape = {0: batch, 1: length}
    network.eval()
    with _quietly():
        program = torch.onnx.export(
            network,
            (tokens, mask),
            input_names=list(_INPUTS),
            output_names=["logits"],
            dynamic_shapes=(shape, shape),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch exported nothing.")
    model = program.model_proto
    onnx.checker.check_model(model)
    return _stripped(model)


def to_int8(model: bytes) -> bytes:
    """Quantize the weights of an ONNX network to 8 bits, with one scale per column.

    Only 7 of the 8 bits are used: processors without VNNI add two products in 16 bits, which would
    overflow and give other answers.
    """
    with tempfile.TemporaryDirectory(prefix="quantize-") as folder, _quietly():
        plain, prepared, small = (Path(folder) / name for name in ("plain", "prepared", "small"))
        plain.write_bytes(model)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True, skip_onnx_shape=True)
        quantize_dynamic(
            prepared,
            small,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        quantized = onnx.load(small)
    return _stripped(quantized)


def _stripped(model: Any) -> bytes:  # noqa: ANN401 - onnx is not typed where it is not installed
    """Remove what only debugging needs: inner shapes and references to source code."""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    contents: bytes = model.SerializeToString()
    return contents


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence the exporters' messages for their developers."""
    loggers = [logging.getLogger(name) for name in ("", "torch.onnx", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
