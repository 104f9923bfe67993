"""The bundled model and the reader as ONNX graphs that multiply in int8.

Exporting them through torch would unpack 470 MB, four fifths of it word embeddings: these keep their 4 bits, in a
layout that GatherBlockQuantized of ONNX Runtime reads as it is. A passage takes a third of the time that it takes in
f32, and the file is 76 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from rag.embedding.e5_file import BLOCK, Shape

_RUNTIME = "com.microsoft"  # the domain of ONNX Runtime's own operators
# The sums of pairs of products that older processors make in 16 bits hold no more of a weight.
_SEVEN_BITS = 63
_EIGHT_BITS = 255
_LEAST_GELU = -0.17  # that the activation gives for any input
# How much of the difference between channels is moved from the inputs to the weights, as SmoothQuant does (Xiao et al.
# 2023) but without looking at the weights: of .4 to 1 what leaves the vectors nearest to those in f32.
_MOVED = 0.6

Largest = Mapping[str, NDArray[np.float16]]
"""By the name of a product's input, the largest magnitude that each of its channels had in `eval.smooth`."""


class Weights(Protocol):
    """The tensors of a BERT model of e5's layout; `E5File` has them."""

    shape: Shape

    def floats(self, name: str) -> NDArray[np.float32]:
        """See `E5File.floats`."""

    def quantised(self, name: str, rows: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """See `E5File.quantised`."""

    def weights(self, name: str, rows: int) -> NDArray[np.float32]:
        """See `E5File.weights`."""


def load_largest(package: str) -> Largest:
    """The file that `eval.smooth` wrote into `package`."""
    with (files(package) / "largest.npz").open("rb") as file, np.load(file) as arrays:
        return dict(arrays)


def build_graph(model: Weights, largest: Largest | None) -> onnx.ModelProto:
    """A graph from `input_ids` `[texts, tokens]` i64, texts of one length, to `last_hidden_state` f32.

    Its products are in int8; in f32 if `largest` is None.
    """
    graph = _graph(model, largest)
    return graph.finish("last_hidden_state", graph.hidden(), model.shape.hidden)


def build_reader_graph(model: Weights, largest: Largest | None) -> onnx.ModelProto:
    """The same as far as the last layer, then a linear head (`head.w`, `head.b`) to `logits` `[texts, tokens, 2]`."""
    graph = _graph(model, largest)
    head = graph.constant("head.w", model.floats("head.w").reshape(2, -1).T)
    projected = graph.node("MatMul", [graph.hidden(), head], "projected")
    biased = graph.node("Add", [projected, graph.constant("head.b", model.floats("head.b"))], "biased")
    return graph.finish("logits", biased, 2)


def inputs_of_products(model: Weights) -> list[str]:
    """The names under which `Largest` holds the channels of what is multiplied."""
    return [f"l{layer}.{of}" for layer in range(model.shape.layers) for of in ("in", "attention", "middle", "gelu")]


def _graph(model: Weights, largest: Largest | None) -> _Graph:
    return _Graph(model) if largest is None else _QuickGraph(model, largest)


def _pack(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two 4-bit values a byte, the earlier one low: the order that ONNX Runtime wants."""
    return (values[:, 0::2] | (values[:, 1::2] << 4)).astype(np.uint8)


class _Graph:
    """With all products in f32."""

    def __init__(self, model: Weights) -> None:
        self.model = model
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, name: str, array: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output

    def hidden(self) -> str:
        """The hidden states after the last layer."""
        hidden = self.embeddings()
        for layer in range(self.model.shape.layers):
            hidden = self.layer(layer, hidden)
        return hidden

    def embeddings(self) -> str:
        """Word, position and type embeddings, normalised."""
        shape = self.model.shape
        values, scales = self.model.quantised("emb.word", shape.vocabulary)
        signed = _pack(((values - 8) & 0x0F).astype(np.uint8))  # INT4 counts from -8
        size = [shape.vocabulary, shape.hidden]
        self.weights.append(helper.make_tensor("words", TensorProto.INT4, size, signed.tobytes(), raw=True))
        self.constant("words_scale", scales)
        self.node("GatherBlockQuantized", ["words", "input_ids", "words_scale"], "word", _RUNTIME,
                  block_size=BLOCK, gather_axis=0, quantize_axis=1)  # fmt: skip
        # Every token is of type 0, so its embedding is part of the position's.
        positions = self.model.floats("emb.pos").reshape(-1, shape.hidden)
        self.constant("positions", positions + self.model.floats("emb.type")[: shape.hidden])
        self.constant("zero", np.array([0], np.int64))
        self.node("Shape", ["input_ids"], "length", start=1, end=2)
        self.node("Slice", ["positions", "zero", "length"], "position")
        self.node("Add", ["word", "position"], "embedded")
        return self.normalised("emb.ln", "embedded", "l0.in")

    def layer(self, number: int, hidden: str) -> str:
        """One transformer layer: attention, then the feed-forward part, each added and normalised."""
        name, shape = f"l{number}", self.model.shape
        query, key, value = (self.linear(f"{name}.{part}", hidden, shape.hidden) for part in ("q", "k", "v"))
        # Without a mask, so that ONNX Runtime takes the way on which the scores are never all in memory.
        attention = self.node("MultiHeadAttention", [query, key, value], f"{name}.attention",
                              _RUNTIME, num_heads=shape.heads)  # fmt: skip
        attended = self.linear(f"{name}.ao", attention, shape.hidden)
        middle = self.add_and_norm(f"{name}.aln", attended, hidden, f"{name}.middle")
        active = self.node("Gelu", [self.linear(f"{name}.fi", middle, shape.ffn)], f"{name}.gelu")
        outer = self.linear(f"{name}.fo", active, shape.hidden)
        return self.add_and_norm(f"{name}.oln", outer, middle, f"l{number + 1}.in")

    def linear(self, name: str, inputs: str, rows: int) -> str:
        """`inputs` times the matrix `name`, plus its bias."""
        weights = self.constant(f"{name}.w", self.model.weights(f"{name}.w", rows).T)
        product = self.node("MatMul", [inputs, weights], f"{name}.product")
        return self.node("Add", [product, self.biases(name)], f"{name}.out")

    def biases(self, name: str) -> str:
        return self.constant(f"{name}.b", self.model.floats(f"{name}.b"))

    def add_and_norm(self, name: str, new: str, residual: str, output: str) -> str:
        # Two nodes: SkipLayerNormalization, which is both in one, takes three times as long.
        return self.normalised(name, self.node("Add", [new, residual], f"{name}.sum"), output)

    def normalised(self, name: str, inputs: str, output: str) -> str:
        weights = [self.constant(f"{name}.{part}", self.model.floats(f"{name}.{part}")) for part in ("w", "b")]
        epsilon = self.model.shape.eps
        return self.node("LayerNormalization", [inputs, *weights], output, axis=-1, epsilon=epsilon)

    def finish(self, name: str, last: str, width: int) -> onnx.ModelProto:
        output = self.node("Identity", [last], name)
        size = ["texts", "tokens"]
        graph = helper.make_graph(
            self.nodes,
            "multilingual-e5-small",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, size)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [*size, width])],
            self.weights,
        )
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(_RUNTIME, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


class _QuickGraph(_Graph):
    """With the products in int8: a scale for each row of the weights, one for all inputs.

    Some channels of the inputs are far larger than the others, and under one scale would leave nothing of these. So
    each is divided by a factor of its own beforehand, by which its weights are multiplied. The scale of the inputs is
    that of the largest that were seen, whatever else is in the batch; what is larger is cut.
    """

    def __init__(self, model: Weights, largest: Largest) -> None:
        super().__init__(model)
        self.largest = {name: magnitudes.astype(np.float32) for name, magnitudes in largest.items()}

    def linear(self, name: str, inputs: str, rows: int) -> str:
        """See `_Graph.linear`."""
        weights = self.model.weights(f"{name}.w", rows) * self.factors(inputs)
        scales = np.abs(weights).max(axis=1) / _SEVEN_BITS
        rounded = np.round(weights / scales[:, None]).astype(np.int8)
        rounded_inputs, scale, zero = self.rounded(inputs)
        operands = [
            *(rounded_inputs, self.constant(f"{name}.w", rounded.T), scale, self.constant(f"{name}.scale", scales)),
            *(zero, "", self.biases(name)),  # the empty place is the zero points of the weights: none, symmetric
        ]
        return self.node("MatMulIntegerToFloat", operands, f"{name}.out", _RUNTIME)

    def factors(self, inputs: str) -> NDArray[np.float32]:
        """What each channel of `inputs` is divided by: their geometric mean is 1."""
        moved = self.largest[inputs] ** _MOVED
        return np.asarray(moved / np.exp(np.log(moved).mean()), np.float32)

    def rounded(self, inputs: str) -> tuple[str, str, str]:
        """`inputs` divided by the factors, in eight bits, with scale and zero, once for all that share them."""
        evened, names = f"{inputs}.evened", (f"{inputs}.rounded", f"{inputs}.scale", f"{inputs}.zero")
        if any(evened in node.output for node in self.nodes):
            return names
        factors = self.factors(inputs)
        most = float((self.largest[inputs] / factors).max())
        least = _LEAST_GELU / float(factors.min()) if inputs.endswith("gelu") else -most
        scale = np.float32((most - least) / _EIGHT_BITS)
        self.node("Mul", [inputs, self.constant(f"{inputs}.factors", 1 / factors)], evened)
        self.constant(names[1], np.array(scale))
        self.constant(names[2], np.array(np.round(-least / scale), np.uint8))
        self.node("QuantizeLinear", [evened, *names[1:]], names[0])
        return names
