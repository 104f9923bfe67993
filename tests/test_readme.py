"""The README is true: its tree names every module, its commands exist, and its settings are all there are."""

from __future__ import annotations

import re
from pathlib import Path

from rag.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
TREE = next(block for block in README.split("```") if "\nrag/ " in block)


def test_the_tree_names_every_module() -> None:
    modules = [path for room in ("rag", "index", "ui", "eval") for path in (ROOT / room).rglob("*.py")]
    named = set(re.findall(r"[\w.]+\.py", TREE))
    missing = [str(p.relative_to(ROOT)) for p in modules if p.name != "__init__.py" and p.name not in named]
    assert not missing


def test_the_tree_names_nothing_that_is_not_there() -> None:
    for name in re.findall(r"[\w.]+\.py", TREE):
        assert any(ROOT.glob(f"*/**/{name}")), name


def test_every_setting_is_told() -> None:
    told = set(re.findall(rf"`({PREFIX}\w+)`", README))
    assert told == {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_target_of_make_that_is_told_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"^make ([\w-]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
