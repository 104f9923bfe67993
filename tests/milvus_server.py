"""A Milvus server for tests: `milvus-lite`, which speaks the protocol of the real one, on this machine alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

URL = os.environ.get("HOIDAP_TEST_MILVUS_URL", "")
TOKEN = os.environ.get("HOIDAP_TEST_MILVUS_TOKEN", "")
_START_SECONDS = 60


@contextmanager
def milvus_lite(folder: Path, port: int = 0) -> Iterator[str]:
    """Run the server over the data in `folder`; its address, as HOIDAP_INDEX_URL has it."""
    port = port or _free_port()
    command = [sys.executable, "-m", "milvus_lite.cmdline", "server", "--host", "127.0.0.1"]
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(
            [*command, "--port", str(port), "--data-dir", str(folder / "data")], stdout=log, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            _wait(server, port, folder / "log")
            yield f"milvus://127.0.0.1:{port}"
        finally:
            server.kill()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"milvus-lite did not start: {log.read_text(errors='replace')[-2000:]}")


@contextmanager
def database(server: str) -> Iterator[str]:
    """The address of an empty database on the server, which is removed afterwards."""
    from pymilvus import MilvusClient

    name = f"hoidap_{uuid.uuid4().hex}"
    yield f"{server}/{name}"
    client = MilvusClient(server.replace("milvus", "http", 1).replace("http+https", "https"), token=TOKEN)
    client.use_database(name)
    for collection in client.list_collections():
        client.drop_collection(collection)
    client.use_database("default")
    client.drop_database(name)
    client.close()
