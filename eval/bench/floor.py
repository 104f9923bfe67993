"""How fast a passage could be embedded at best: its arithmetic over what this machine's cores do in a second."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

_ROWS, _INNER, _OUTER = 1024, 384, 1536  # a batch of tokens through the widest matrix of the bundled model
_RUNS = 60


@dataclass(frozen=True, slots=True)
class Floor:
    """`gflop` are the billions of operations of one passage; the peaks are billions of them a second."""

    gflop: float
    fp32_peak: float
    int8_peak: float

    @property
    def fp32_ms(self) -> float:
        """A passage at the peak of fp32."""
        return 1000 * self.gflop / self.fp32_peak

    @property
    def int8_ms(self) -> float:
        """A passage were all of it at the peak of int8."""
        return 1000 * self.gflop / self.int8_peak


def floor(folder: Path, tokens: int, threads: int) -> Floor:
    """The floor of a passage of so many tokens in the model of `folder`, on so many threads."""
    return Floor(operations(folder, tokens) / 1e9, _peak(threads, is_int8=False), _peak(threads, is_int8=True))


def operations(folder: Path, tokens: int) -> int:
    """Multiplications and additions of the matrix products for a text of so many tokens.

    In each layer four products with hidden x hidden and two with hidden x intermediate for each token, and two of each
    token with each other. Norms, activations and the softmax are left out: they are a few in a hundred.
    """
    config = json.loads((folder / "config.json").read_text("utf-8"))
    hidden, wide, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    weights = 4 * hidden * hidden + 2 * hidden * wide
    return int(layers * 2 * (tokens * weights + 2 * tokens * tokens * hidden))


def _peak(threads: int, *, is_int8: bool) -> float:
    """Billions of operations a second of a large matrix product in ONNX Runtime: the best of `_RUNS`."""
    random = np.random.default_rng(0)
    left = random.standard_normal((_ROWS, _INNER)).astype(np.float32)
    right = random.standard_normal((_INNER, _OUTER)).astype(np.float32)
    if is_int8:
        constants = {"b": (right * 30).astype(np.int8), "scale": np.float32(1 / 30), "zero": np.int8(0)}
        node = helper.make_node("DynamicQuantizeMatMul", ["a", *constants], ["y"], domain="com.microsoft")
    else:
        constants = {"b": right}
        node = helper.make_node("MatMul", ["a", "b"], ["y"])
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, left.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (_ROWS, _OUTER))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = helper.make_model(graph, opset_imports=versions, ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    best = float("inf")
    for _ in range(_RUNS):
        begun = time.perf_counter()
        session.run(None, {"a": left})
        best = min(best, time.perf_counter() - begun)
    return 2 * _ROWS * _INNER * _OUTER / best / 1e9
