"""Word segmentation: "kinh tế số" is the words kinh_tế and số. The only module that imports underthesea."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from threading import Lock
from typing import Any

from rag.errors import SettingsError

_LOADING = Lock()  # what is put in other places meanwhile has to be put back once


def package() -> ModuleSpec:
    """The package underthesea, found and not imported. Raises SettingsError if it is missing."""
    found = find_spec("underthesea")
    if found is None or found.origin is None:
        raise SettingsError("The package underthesea is missing: install hoidap again.")
    return found


def _unpickle(path: str) -> Any:
    """What the package's data files hold. They are plain pickles, which joblib reads five times as slowly."""
    with Path(path).open("rb") as file:
        return pickle.load(file)  # noqa: S301 # they are installed with the program that reads them


def _tokenizer() -> Callable[[str], list[str]]:
    with _LOADING:
        return _load()


@cache
def _load() -> Callable[[str], list[str]]:
    import joblib

    # `import underthesea` imports every part of itself, with the models of its taggers, and torch and transformers for
    # two of them: 3 s of which we need nothing. Its parts are found in a package whose own code was never run too.
    sys.modules.setdefault("underthesea", bare := module_from_spec(package()))
    thorough, joblib.load = joblib.load, _unpickle
    try:
        import underthesea.pipeline.text_normalize  # noqa: F401 # of two that import each other, the one to begin with
        from underthesea.pipeline.word_tokenize import word_tokenize

        word_tokenize("")  # imports the rest and loads its model
    finally:
        joblib.load = thorough
        if sys.modules["underthesea"] is bare:  # whoever else imports it gets the whole
            del sys.modules["underthesea"]
    return word_tokenize  # type: ignore[no-any-return]


def segment(text: str) -> list[str]:
    """The words of `text` in order, the syllables of a word joined by a space: `["kinh tế", "số"]`."""
    return _tokenizer()(text)
