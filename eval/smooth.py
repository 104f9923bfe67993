"""Writes how large the inputs of each product become, for the graphs in int8: `python -m eval.smooth QUESTIONS`.

QUESTIONS is a file in SQuAD form, one question a line. Some of them and their passages go through the bundled model,
and question and sentences together through the reader, both in f32. Writes `rag/embedding/largest.npz` and
`rag/reader/largest.npz`. To be done again when the reader was trained. Not needed to run hoidap.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from eval.datasets import Text, read_squad
from rag.embedding.bundled import bundled_file, bundled_folder
from rag.embedding.e5_file import E5File
from rag.embedding.onnx_embedder import open_session
from rag.embedding.onnx_graph import Weights, build_graph, build_reader_graph, inputs_of_products
from rag.embedding.tokenizer import open_tokenizer
from rag.reader.onnx_reader import Introduced, arrange
from rag.reader.weights import ReaderWeights
from rag.settings import load_settings
from rag.vietnamese.sentences import split_sentences

_EXAMPLES = 300


def main() -> None:
    """Measure and write both files."""
    cache, base = load_settings().cache_dir, E5File(bundled_file())
    squad = read_squad(Path(sys.argv[1]))
    contexts = {text.id: text for text in squad.texts}
    chosen = random.Random(0).sample(squad.cases, _EXAMPLES)  # noqa: S311 # not for secrets
    examples = [(case.question, contexts[case.given]) for case in chosen]
    tokenizer = open_tokenizer(bundled_folder(cache))
    texts = [text for question, context in examples for text in (f"query: {question}", f"passage: {context.text}")]
    alone = [[tokenizer.begin, *ids[:510], tokenizer.end] for ids in tokenizer.ids(texts)]
    together = [arrange(tokenizer, question, _introduced(context))[0] for question, context in examples]
    _write("embedding", base, build_graph, alone)
    _write("reader", ReaderWeights(base), build_reader_graph, together)


def _introduced(context: Text) -> list[Introduced]:
    return [Introduced(context.text[start:end], context.title) for start, end in split_sentences(context.text)]


def _write(
    package: str, model: Weights, build: Callable[[Weights, None], onnx.ModelProto], texts: Iterable[list[int]]
) -> None:
    names = inputs_of_products(model)
    graph = build(model, None)
    graph.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        onnx.save(graph, file.name)
        session = open_session(Path(file.name))
    largest = {name: np.float32(0) for name in names}
    for ids in texts:
        for name, values in zip(names, session.run(names, {"input_ids": np.array([ids], np.int64)}), strict=True):
            largest[name] = np.maximum(largest[name], np.abs(values[0]).max(axis=0))
    path = Path("rag") / package / "largest.npz"
    arrays = {name: values.astype(np.float16) for name, values in largest.items()}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type] # its stub takes them for its own option
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
