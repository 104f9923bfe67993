"""All settings, in one object that is built once at the edge and passed in.

Read, strongest first, from `HOIDAP_*` environment variables, a `.env` file and a `hoidap.toml` file
in the working directory. An unknown key is an error, so that a typing mistake is seen.
"""

from __future__ import annotations

import os
import re
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from index.milvus.server import URL
from rag.errors import SettingsError
from rag.steps import NOTHING, Step

PREFIX = "HOIDAP_"
EXTRACTIVE = "extractive"
"""The generator that needs no language model."""
PASSWORD_CHARACTERS = 12
_TEST_PREFIX = "HOIDAP_TEST_"  # read by the tests alone
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])(?::(?P<port>[1-9]\d{0,4}))?"
)

Words = Annotated[tuple[str, ...], NoDecode]
"""Several values: words with spaces or commas between them, or a list in hoidap.toml."""


class Settings(BaseSettings):
    """What an operator may choose. Every field can be set as `HOIDAP_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        dotenv_filtering="match_prefix",  # a .env holds other programs' settings too
        env_ignore_empty=True,
        toml_file="hoidap.toml",
        extra="forbid",
        frozen=True,
    )

    index_dir: Path = Field(
        default_factory=lambda: user_data_path("hoidap") / "index",
        description="The folder that holds the index.",
    )
    index_url: str = Field(
        default="",
        description="The index on a Milvus server instead: milvus://host[:port][/database], or milvus+https://.",
    )
    index_token: SecretStr | None = Field(default=None, description="What that server asks for: `user:password`.")
    cache_dir: Path = Field(
        default_factory=partial(user_cache_path, "hoidap"),
        description="The folder for what can be made again: the prepared embedding model.",
    )
    seeds_dir: Path = Field(
        default=Path(__file__).resolve().parents[1] / "seeds",
        description="The articles that `hoidap serve` indexes when there is no index yet.",
    )
    embedder: str = Field(
        default="bundled",
        description="`bundled`, or the name or path of a sentence-transformers model.",
    )
    query_prefix: str = Field(default="", description="Put before a question; for models other than the bundled one.")
    passage_prefix: str = Field(default="", description="Put before a passage; for models other than the bundled one.")
    threads: int = Field(
        default_factory=lambda: min(os.cpu_count() or 1, 8),
        ge=1,
        description="Threads for embedding.",
    )
    vectors: Literal["auto", "graph"] = Field(
        default="auto",
        description="How more than 20,000 vectors are kept: `auto`, small and all compared, or as a `graph` (HNSW).",
    )
    words_dir: Path | None = Field(
        default=None, description="A folder of word lists that extend those in `rag/vietnamese/data`."
    )
    without: frozenset[Step] = Field(
        default=NOTHING, description="Steps to leave out, to see what they are worth; see `rag.steps`."
    )
    generator: str = Field(
        default=EXTRACTIVE,
        description="`extractive`, or a chat model as `provider:model`, such as `openai:gpt-5` or `ollama:qwen3`.",
    )
    model_url: str = Field(
        default="", description="The base URL of the model's server, for one that speaks the protocol of OpenAI."
    )
    model_context: int = Field(
        default=2048,
        ge=1024,
        description="The tokens that prompt and answer may have together; fewer are read sooner.",
    )
    model_connect_seconds: float = Field(default=5, gt=0, description="How long connecting to the model may take.")
    model_first_seconds: float = Field(default=60, gt=0, description="How long its first word may take.")
    model_between_seconds: float = Field(default=15, gt=0, description="How long it may pause between two words.")
    model_total_seconds: float = Field(default=120, gt=0, description="How long its answer may take as a whole.")
    host: str = Field(default="127.0.0.1", description="The address that `hoidap serve` listens on.")
    port: int = Field(default=7860, ge=0, le=65535, description="The port; 0 takes a free one.")
    keep_questions: bool = Field(
        default=True, description="Keep questions, answers and comments; if not, what was kept is erased too."
    )
    keep_days: int = Field(default=90, ge=1, le=3650, description="How long what is kept of a question stays, in days.")
    admin_password: SecretStr | None = Field(
        default=None, description="Opens `/admin`; without one there is no such page."
    )
    allowed_origins: Words = Field(
        default=(),
        description="The origins, scheme://host[:port], whose pages may carry the widget; no other may.",
    )
    questions_per_minute: int = Field(
        default=60, ge=0, description="What one client may ask in a minute; 0 for as much as it likes."
    )
    allowed_networks: Words = Field(
        default=(), description="Addresses or networks that pages may be fetched from though they are private."
    )
    trusted_proxies: Words = Field(
        default=(), description="Addresses or networks of proxies whose X-Forwarded-For tells who the client is."
    )

    @property
    def sync_file(self) -> Path:
        """Who is syncing the index: beside it, as `feedback_file` is."""
        index = self.index_dir.absolute()
        return index.with_name(f"{index.name}.sync")

    @property
    def index_place(self) -> str:
        """Where the index is, in words."""
        return self.index_url or str(self.index_dir)

    def with_index_in(self, folder: Path) -> Settings:
        """The same settings, with an index in `folder`."""
        return self.model_copy(update={"index_dir": folder, "index_url": ""})

    @property
    def feedback_file(self) -> Path:
        """What is kept of questions and answers: beside the index, so that removing that folder does not lose it."""
        index = self.index_dir.absolute()
        return index.with_name(f"{index.name}.feedback.sqlite")

    @field_validator("index_dir", "cache_dir", "seeds_dir")
    @classmethod
    def _expand_home(cls, path: Path) -> Path:
        """No shell does it in .env and hoidap.toml."""
        try:
            return path.expanduser()
        except RuntimeError as error:  # ~somebody: pydantic turns only a ValueError into its own
            raise ValueError(str(error)) from error

    @field_validator("admin_password")
    @classmethod
    def _not_soon_guessed(cls, password: SecretStr | None) -> SecretStr | None:
        if password and len(password.get_secret_value()) < PASSWORD_CHARACTERS:
            raise ValueError(f"it must have at least {PASSWORD_CHARACTERS} characters")
        return password

    @field_validator("generator")
    @classmethod
    def _extractive_or_model(cls, value: str) -> str:
        provider, _, model = value.partition(":")
        if value != EXTRACTIVE and not (provider and model):
            raise ValueError("write extractive, or provider:model, such as ollama:qwen3")
        return value

    @field_validator("model_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not re.match(r"https?://[^\s/@]+(?:/|$)", value):
            raise ValueError("write http:// or https:// and the server, such as http://127.0.0.1:8000/v1")
        return value

    @field_validator("index_url")
    @classmethod
    def _milvus(cls, value: str) -> str:
        if value and not URL.fullmatch(value):
            raise ValueError(
                "write milvus://host[:port][/database], such as milvus://127.0.0.1:19530; what the server asks for "
                f"goes into {PREFIX}INDEX_TOKEN"
            )
        return value

    @field_validator("allowed_networks", "allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(origin, values))

    @field_validator("allowed_networks", "trusted_proxies")
    @classmethod
    def _networks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            ip_network(value)  # its ValueError says what is wrong
        return values

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then `.env`, then `hoidap.toml`."""
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)


def origin(text: str) -> str:
    """`text`, which has to be the origin of a page, written the way a browser writes it.

    Raises:
        ValueError: it is no origin, or one that stands for many (`*`, `null`, a wildcard).
    """
    match = _ORIGIN.fullmatch(text.lower())
    if not match or int(match["port"] or 0) > 65535:
        raise ValueError(f"{text!r} is not an origin: write scheme://host[:port], such as https://portal.example.vn")
    default = {"http": "80", "https": "443"}[match["scheme"]]
    return f"{match['scheme']}://{match['host']}" + (
        f":{match['port']}" if match["port"] not in {None, default} else ""
    )


def load_settings(**overrides: object) -> Settings:
    """The settings in force. `overrides` win over every source; None means not given. A folder wins over a server.

    Raises:
        SettingsError: a key is unknown or a value impossible; the message names it.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in os.environ:
        upper = name.upper()
        if upper.startswith(PREFIX) and not upper.startswith(_TEST_PREFIX) and upper not in known:
            raise SettingsError(f"Unknown setting {name}: known are {', '.join(sorted(known))}.")
    if overrides.get("index_dir"):
        overrides["index_url"] = ""
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise SettingsError(
            f"Setting {name!r} is not valid ({problem['msg']}): mend it in the environment "
            f"({PREFIX}{name.upper()}), in .env or in hoidap.toml."
        ) from error
    except (ValueError, OSError) as error:  # a hoidap.toml or .env that does not parse, or may not be read
        raise SettingsError(f"hoidap.toml or .env cannot be read: {error}.") from error
