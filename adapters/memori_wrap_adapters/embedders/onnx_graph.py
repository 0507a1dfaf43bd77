"""A BERT as an ONNX graph, built from its checkpoint in a moment: nothing is exported, so no PyTorch and no file.

The graph itself is some 20 kB; it names the weights, which ONNX Runtime is then given as they lie in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from memori_wrap_adapters.embedders.checkpoint import Architecture, Tensors

Array = npt.NDArray[Any]

INLINE = 1024
"""Bytes of a constant that stands in the graph itself."""
_MASKED = -10_000.0


@dataclass(frozen=True, slots=True)
class Graph:
    """``model``: serialised, inputs ``ids`` (batch, length) and ``lengths`` (batch,), output ``vectors`` of length 1.

    ``weights`` must live as long as the session that they are given to.
    """

    model: bytes
    weights: dict[str, Array]


def build(shape: Architecture, tensors: Tensors, *, int8: bool = False) -> Graph:
    """``int8``: the weights of the layers in 8 bits; the embeddings, norms and the attention stay float32."""
    return _Builder(shape, tensors, int8).build()


class _Builder:
    def __init__(self, shape: Architecture, tensors: Tensors, int8: bool) -> None:
        self._shape, self._tensors, self._int8 = shape, tensors, int8
        self._nodes: list[Any] = []
        self._values: dict[str, Array] = {}

    def build(self) -> Graph:
        hidden = self._tensors["embeddings.word_embeddings.weight"].shape[1]
        x, mask = self._embeddings(), self._mask()
        bias = self._op("Mul", self._op("Sub", mask, self._scalar(1)), self._scalar(-_MASKED))
        bias = self._op("Unsqueeze", bias, self._const([1, 2]))
        for layer in range(self._shape.layers):
            x = self._layer(x, bias, f"encoder.layer.{layer}.", hidden)
        pooled = self._pooled(x, mask)
        self._nodes.append(helper.make_node("LpNormalization", [pooled], ["vectors"], axis=-1, p=2))
        return self._finished(hidden)

    # ------------------------------------------------------------ the model

    def _embeddings(self) -> str:
        words = self._op("Gather", self._weight("embeddings.word_embeddings.weight"), "ids")
        first = self._const([self._shape.first_position])
        last = self._op("Add", self._op("Shape", "ids", start=1, end=2), first)
        kind = self._tensors["embeddings.token_type_embeddings.weight"][0]
        table = self._value("positions", self._tensors["embeddings.position_embeddings.weight"] + kind)
        x = self._op("Add", words, self._op("Slice", table, first, last))
        return self._norm(x, "embeddings.LayerNorm")

    def _mask(self) -> str:
        """(batch, length): 1.0 for a token, 0.0 for padding."""
        length = self._op("Squeeze", self._op("Shape", "ids", start=1, end=2))
        at = self._op("Range", self._const(0), length, self._const(1))
        is_token = self._op("Less", at, self._op("Unsqueeze", "lengths", self._const([1])))
        return self._op("Cast", is_token, to=TensorProto.FLOAT)

    def _layer(self, x: str, bias: str, name: str, hidden: int) -> str:
        queries, keys, values = (
            self._split(self._linear(x, f"{name}attention.self.{part}"), hidden, order)
            for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
        )
        scale = self._scalar((hidden // self._shape.heads) ** -0.5)
        scores = self._op("Add", self._op("Mul", self._op("MatMul", queries, keys), scale), bias)
        mixed = self._op("MatMul", self._op("Softmax", scores, axis=-1), values)
        mixed = self._op("Reshape", self._op("Transpose", mixed, perm=[0, 2, 1, 3]), self._const([0, 0, hidden]))
        mixed = self._linear(mixed, f"{name}attention.output.dense")
        x = self._norm(self._op("Add", mixed, x), f"{name}attention.output.LayerNorm")
        inner = self._op("Gelu", self._linear(x, f"{name}intermediate.dense"))
        return self._norm(self._op("Add", self._linear(inner, f"{name}output.dense"), x), f"{name}output.LayerNorm")

    def _split(self, x: str, hidden: int, order: list[int]) -> str:
        heads = self._shape.heads
        return self._op("Transpose", self._op("Reshape", x, self._const([0, 0, heads, hidden // heads])), perm=order)

    def _linear(self, x: str, name: str) -> str:
        if self._int8:
            product = self._product8(x, name, np.ascontiguousarray(self._tensors[f"{name}.weight"].T))
        else:  # turned by the session, once: here it would be a copy to keep
            product = self._op("MatMul", x, self._op("Transpose", self._weight(f"{name}.weight"), perm=[1, 0]))
        return self._op("Add", product, self._weight(f"{name}.bias"))

    def _product8(self, x: str, name: str, weight: Array) -> str:
        """Each token and each column with a scale of its own, so that a row does not depend on its batch.

        Weights go to 64, not 127: some processors add two products in 16 bits, and 2 * 255 * 64 is what fits. So all
        of them count the same.
        """
        scales = np.maximum(np.abs(weight).max(axis=0), 1e-12).astype(np.float32) / 64
        packed = self._value(f"{name}.packed", np.round(weight / scales).astype(np.int8))
        peak = self._op("ReduceMax", self._op("Abs", x), self._const([-1]), keepdims=1)
        scale = self._op("Mul", self._op("Max", peak, self._scalar(1e-9)), self._scalar(1 / 127))
        rounded = self._op("Add", self._op("Round", self._op("Div", x, scale)), self._scalar(128))
        bytes_ = self._op("Cast", rounded, to=TensorProto.UINT8)
        sums = self._op("MatMulInteger", bytes_, packed, self._const(np.array(128, np.uint8)))
        product = self._op("Mul", self._op("Cast", sums, to=TensorProto.FLOAT), scale)
        return self._op("Mul", product, self._value(f"{name}.scales", scales))

    def _norm(self, x: str, name: str) -> str:
        gain, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._op("LayerNormalization", x, gain, shift, axis=-1, epsilon=self._shape.epsilon)

    def _pooled(self, x: str, mask: str) -> str:
        if self._shape.pooling == "cls":
            return self._op("Gather", x, self._const(0), axis=1)
        kept = self._op("Mul", x, self._op("Unsqueeze", mask, self._const([2])))
        return self._op("ReduceSum", kept, self._const([1]), keepdims=0)  # length 1 is made of it: no need to divide

    # ------------------------------------------------------------ the graph

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _value(self, name: str, array: Array) -> str:
        self._values[name] = array
        return name

    def _weight(self, name: str) -> str:
        return self._value(name, self._tensors[name])

    def _const(self, value: Any) -> str:
        return self._value(f"c{len(self._values)}", np.asarray(value))

    def _scalar(self, value: float) -> str:
        return self._const(np.array(value, np.float32))

    def _finished(self, hidden: int) -> Graph:
        outside = {name: array for name, array in self._values.items() if array.nbytes >= INLINE}
        graph = helper.make_graph(
            self._nodes,
            "bert",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"]),
                helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]),
            ],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", hidden])],
            initializer=[
                _declared(name, array) if name in outside else numpy_helper.from_array(np.array(array), name)
                for name, array in self._values.items()
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        return Graph(model.SerializeToString(), outside)


def _declared(name: str, array: Array) -> onnx.TensorProto:
    """The name and shape of a weight that is given to the session instead of standing in the model."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = onnx.TensorProto(name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "memory"), ("offset", "0"), ("length", str(array.nbytes))):
        tensor.external_data.add(key=key, value=value)
    return tensor
