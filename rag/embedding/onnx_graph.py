"""The bundled model as an ONNX graph that keeps its 4-bit weights, and the reader as one that is quick.

Exporting the model through torch would unpack its weights to 470 MB. MatMulNBits and GatherBlockQuantized of ONNX
Runtime hold exactly this layout (blocks of 32, symmetric), so the file is 74 MB and opens in a fifth of a second.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from rag.embedding.e5_file import BLOCK, Shape

_RUNTIME = "com.microsoft"  # the domain of ONNX Runtime's own operators
# How MatMulNBits computes: 1 is f32, exact; 4 rounds the activations to int8.
_ACCURACY_LEVEL = 4
# The sums of pairs of products that older processors make in 16 bits hold no more of a weight.
_SEVEN_BITS = 63


class Weights(Protocol):
    """The tensors of a BERT model of e5's layout; `E5File` has them."""

    shape: Shape

    def floats(self, name: str) -> NDArray[np.float32]:
        """See `E5File.floats`."""

    def quantised(self, name: str, rows: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """See `E5File.quantised`."""

    def weights(self, name: str, rows: int) -> NDArray[np.float32]:
        """See `E5File.weights`."""


def build_graph(model: Weights) -> onnx.ModelProto:
    """A graph from `input_ids`, `attention_mask` `[batch, tokens]` i64 to `last_hidden_state` f32."""
    graph = _Graph(model)
    return graph.finish("last_hidden_state", graph.hidden(), model.shape.hidden)


def build_reader_graph(model: Weights) -> onnx.ModelProto:
    """The same as far as the last layer, then a linear head (`head.w`, `head.b`) to `logits` `[batch, tokens, 2]`.

    With long inputs, products with 4-bit weights cost as much as in f32; these are in int8, so the whole costs half.
    The logits move by .07 on the average, of a deviation of 1.7.
    """
    graph = _QuickGraph(model)
    head = graph.constant("head.w", model.floats("head.w").reshape(2, -1).T)
    projected = graph.node("MatMul", [graph.hidden(), head], "projected")
    biased = graph.node("Add", [projected, graph.constant("head.b", model.floats("head.b"))], "biased")
    return graph.finish("logits", biased, 2)


def _pack(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two 4-bit values a byte, the earlier one low: the order that ONNX Runtime wants."""
    return (values[:, 0::2] | (values[:, 1::2] << 4)).astype(np.uint8)


class _Graph:
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
        self.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        inputs = ["embedded", *self.norm("emb.ln")]
        return self.node("LayerNormalization", inputs, "hidden", axis=-1, epsilon=shape.eps)

    def layer(self, number: int, hidden: str) -> str:
        """One transformer layer: attention, then the feed-forward part, each added and normalised."""
        name, shape = f"l{number}", self.model.shape
        query, key, value = (self.linear(f"{name}.{part}", hidden, shape.hidden) for part in ("q", "k", "v"))
        attention = self.node("MultiHeadAttention", [query, key, value, "", "mask"], f"{name}.attention",
                              _RUNTIME, num_heads=shape.heads)  # fmt: skip
        attended = self.linear(f"{name}.ao", attention, shape.hidden)
        hidden = self.add_and_norm(f"{name}.aln", attended, hidden)
        inner = self.linear(f"{name}.fi", hidden, shape.ffn, bias=False)
        bias = self.constant(f"{name}.fi.b", self.model.floats(f"{name}.fi.b"))
        active = self.node("BiasGelu", [inner, bias], f"{name}.gelu", _RUNTIME)
        outer = self.linear(f"{name}.fo", active, shape.hidden)
        return self.add_and_norm(f"{name}.oln", outer, hidden)

    def linear(self, name: str, inputs: str, rows: int, *, bias: bool = True) -> str:
        """`inputs` times the matrix `name`, plus its bias."""
        values, scales = self.model.quantised(f"{name}.w", rows)
        columns = values.shape[1]
        packed = _pack(values).reshape(rows, columns // BLOCK, BLOCK // 2)
        operands = [inputs, self.constant(f"{name}.w", packed), self.constant(f"{name}.scale", scales)]
        if bias:  # the two empty places are the zero points (none: symmetric) and the group index
            operands += ["", "", self.constant(f"{name}.b", self.model.floats(f"{name}.b"))]
        return self.node("MatMulNBits", operands, f"{name}.out", _RUNTIME, K=columns, N=rows, bits=4,
                         block_size=BLOCK, accuracy_level=_ACCURACY_LEVEL)  # fmt: skip

    def add_and_norm(self, name: str, new: str, residual: str) -> str:
        # Two nodes: SkipLayerNormalization, which is both in one, takes three times as long.
        operands = [self.node("Add", [new, residual], f"{name}.sum"), *self.norm(name)]
        return self.node("LayerNormalization", operands, f"{name}.out", axis=-1, epsilon=self.model.shape.eps)

    def norm(self, name: str) -> list[str]:
        return [self.constant(f"{name}.{part}", self.model.floats(f"{name}.{part}")) for part in ("w", "b")]

    def finish(self, name: str, last: str, width: int) -> onnx.ModelProto:
        output = self.node("Identity", [last], name)
        size = ["batch", "tokens"]
        graph = helper.make_graph(
            self.nodes,
            "multilingual-e5-small",
            [helper.make_tensor_value_info(n, TensorProto.INT64, size) for n in ("input_ids", "attention_mask")],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [*size, width])],
            self.weights,
        )
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(_RUNTIME, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


class _QuickGraph(_Graph):
    """With the products in int8: a scale for each row of the weights, one for all inputs, found as they come."""

    def linear(self, name: str, inputs: str, rows: int, *, bias: bool = True) -> str:
        """See `_Graph.linear`."""
        weights = self.model.weights(f"{name}.w", rows)
        biases = [self.constant(f"{name}.b", self.model.floats(f"{name}.b"))] if bias else []
        # What comes out of the activation has outliers, beside which one scale would leave nothing of the rest.
        if name.endswith(".fo"):
            product = self.node("MatMul", [inputs, self.constant(f"{name}.w", weights.T)], f"{name}.product")
            return self.node("Add", [product, *biases], f"{name}.out")
        scales = np.abs(weights).max(axis=1) / _SEVEN_BITS
        rounded = np.round(weights / scales[:, None]).astype(np.int8)
        operands = [inputs, self.constant(f"{name}.w", rounded.T), self.constant(f"{name}.scale", scales), "", *biases]
        return self.node("DynamicQuantizeMatMul", operands, f"{name}.out", _RUNTIME)
