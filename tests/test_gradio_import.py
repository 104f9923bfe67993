"""Importing the chat page: without stubs, and without what takes seconds more."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import SEEDS

PROGRAM = """
import inspect, sys
stubs = []
sys.addaudithook(lambda event, of: stubs.append(of[0]) if event == "open" and str(of[0]).endswith(".pyi") else None)
whole = inspect.getfile
from ui.gradio_import import without_stubs
with without_stubs():
    import ui.page
assert inspect.getfile is whole and inspect.getfile(ui.page) == ui.page.__file__
print(stubs, sorted({"torch", "transformers", "langchain", "sklearn"} & set(sys.modules)))
"""


def test_no_stub_is_read_or_written_and_no_torch_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, encoding="utf-8", check=False, cwd=SEEDS.parent
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[] []"), done.stderr
