"""Settings: which source wins, and that a mistake is seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs import user_cache_path, user_data_path
from pydantic import ValidationError

from rag.errors import SettingsError
from rag.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, and none of the caller's own settings."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)


def write(env: str | None = None, toml: str | None = None) -> None:
    if env is not None:
        Path(".env").write_text(env, encoding="utf-8")
    if toml is not None:
        Path("hoidap.toml").write_text(toml, encoding="utf-8")


def test_defaults() -> None:
    settings = load_settings()
    assert settings.index_dir == user_data_path("hoidap") / "index"
    assert settings.cache_dir == user_cache_path("hoidap")
    assert (settings.embedder, settings.host, settings.port) == ("bundled", "127.0.0.1", 7860)
    assert settings.seeds_dir == ROOT / "seeds"
    assert 1 <= settings.threads <= 8


def test_the_stronger_source_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    write(toml='port = 1\nhost = "toml"\nembedder = "toml"\nquery_prefix = "toml"\npassage_prefix = "toml"')
    assert (load_settings().port, load_settings().host) == (1, "toml")
    write(env="HOIDAP_PORT=2\nHOIDAP_HOST=env-file\nHOIDAP_EMBEDDER=env-file\nHOIDAP_QUERY_PREFIX='env-file: '")
    monkeypatch.setenv("HOIDAP_PORT", "3")
    monkeypatch.setenv("HOIDAP_HOST", "environment")
    settings = load_settings(port=4, host=None)
    assert settings.port == 4
    assert settings.host == "environment", "None means not given"
    assert settings.embedder == "env-file"
    assert settings.query_prefix == "env-file: "
    assert settings.passage_prefix == "toml"


def test_names_may_be_in_small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("hoidap_port", "81")
    assert load_settings().port == 81


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOIDAP_INDEX_DIR", "")
    write(env="HOIDAP_PORT=\n")
    assert load_settings() == Settings()
    assert load_settings().port == 7860


def test_home_is_expanded_where_no_shell_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(env="HOIDAP_INDEX_DIR=~/index", toml='cache_dir = "~/cache"')
    settings = load_settings()
    assert (settings.index_dir, settings.cache_dir) == (tmp_path / "index", tmp_path / "cache")
    with pytest.raises(SettingsError, match="seeds_dir"):
        load_settings(seeds_dir=Path("~nobody-of-this-name/seeds"))


@pytest.mark.parametrize("name", ["HOIDAP_PORTT", "HOIDAP_", "hoidap_portt"])
def test_an_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=f"Unknown setting {name}: known are .*HOIDAP_PORT,"):
        load_settings()


def test_an_unknown_key_in_a_file_is_named() -> None:
    write(toml="portt = 1")
    with pytest.raises(SettingsError, match=r"'portt' is not valid"):
        load_settings()
    write(toml="", env="HOIDAP_PORTT=1")
    with pytest.raises(SettingsError, match=r"'portt' is not valid .*\(HOIDAP_PORTT\)"):
        load_settings()
    write(env="")
    with pytest.raises(SettingsError, match="'nonsense'"):
        load_settings(nonsense=1)


def test_other_programs_settings_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("HOIDAP_TEST_CHROMIUM", "read by the tests alone")
    write(env="OPENAI_API_KEY=x\nPORT=2\nHOST=x\n")
    assert (load_settings().port, load_settings().host) == (7860, "127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "x"), ("PORT", "65536"), ("PORT", "-1"), ("THREADS", "0"), ("THREADS", "two")]
)
def test_an_impossible_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"HOIDAP_{name}", value)
    with pytest.raises(SettingsError, match=rf"'{name.lower()}' is not valid .*\(HOIDAP_{name}\).*hoidap\.toml"):
        load_settings()


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe\x00p", b"port = 1\nport = 2"])
def test_a_file_that_does_not_parse_is_named(content: bytes) -> None:
    Path("hoidap.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"hoidap\.toml or \.env cannot be read"):
        load_settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load_settings().port = 1


def test_nothing_is_read_at_import(tmp_path: Path) -> None:
    """Not even a file that would be refused; and no model, page or index engine is loaded."""
    write(env="HOIDAP_NONSENSE=1", toml="= nonsense")
    code = (
        "import sys, rag.settings\n"
        "heavy = {'torch', 'sentence_transformers', 'underthesea', 'gradio', 'onnxruntime', 'faiss', 'tantivy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HOIDAP_NONSENSE": "1", "HOIDAP_PORT": "x"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "hoidap.toml"]


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("https://portal.example.vn", ("https://portal.example.vn",)),
        (
            "https://a.vn, http://10.0.0.5:8080  http://[::1]:99",
            ("https://a.vn", "http://10.0.0.5:8080", "http://[::1]:99"),
        ),
        ("HTTPS://Portal.Example.vn:443", ("https://portal.example.vn",)),
        ("http://portal:80,", ("http://portal",)),
        ("", ()),
    ],
)
def test_allowed_origins_are_written_as_browsers_write_them(
    monkeypatch: pytest.MonkeyPatch, given: str, origins: tuple[str, ...]
) -> None:
    monkeypatch.setenv("HOIDAP_ALLOWED_ORIGINS", given)
    assert load_settings().allowed_origins == origins
    monkeypatch.delenv("HOIDAP_ALLOWED_ORIGINS")
    write(toml=f"allowed_origins = {given.replace(',', ' ').split()!r}")
    assert load_settings().allowed_origins == origins


@pytest.mark.parametrize(
    "given",
    [
        "*",
        "null",
        "portal.example.vn",
        "https://*.example.vn",
        "https://portal.example.vn/",
        "https://portal.example.vn/tin",
        "https://a@portal.vn",
        "ftp://portal.vn",
        "https://portal.vn:99999",
        "https://portal.vn:0",
        "https://portal.vn;script-src",
        "https://cổng.vn",
        "https://ok.vn https://",
    ],
)
def test_what_is_no_single_origin_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("HOIDAP_ALLOWED_ORIGINS", given)
    with pytest.raises(SettingsError, match=r"is not an origin: write scheme://host.*HOIDAP_ALLOWED_ORIGINS"):
        load_settings()


def test_proxies_are_addresses_or_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOIDAP_TRUSTED_PROXIES", "127.0.0.1 10.0.0.0/8")
    assert load_settings().trusted_proxies == ("127.0.0.1", "10.0.0.0/8")
    for wrong in ("*", "proxy.vn", "10.0.0.1/8"):
        monkeypatch.setenv("HOIDAP_TRUSTED_PROXIES", wrong)
        with pytest.raises(SettingsError, match="HOIDAP_TRUSTED_PROXIES"):
            load_settings()
