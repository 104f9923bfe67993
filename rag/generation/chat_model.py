"""Setting a language model up: LangChain's `init_chat_model`, with our settings and our errors.

The provider's package reads its key from the environment, or from `.env`; nothing here knows one.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from dotenv import load_dotenv

from rag.errors import ModelError, SettingsError
from rag.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

EXTRAS = {
    "anthropic": "anthropic",
    "google_genai": "google-genai",
    "mistralai": "mistralai",
    "ollama": "ollama",
    "openai": "openai",
}
"""Providers whose package comes with an extra of ours, and the extra."""

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_TOLD = 300  # characters of another program's error


def open_model(settings: Settings) -> BaseChatModel:
    """The chat model that the setting `generator` names. Nothing is asked of it yet.

    Raises:
        SettingsError: there is no such provider, or it does not take these settings.
        ModelError: the provider's package is missing.
    """
    from langchain.chat_models import init_chat_model

    load_dotenv(".env")
    provider, _, name = settings.generator.partition(":")
    try:
        model: BaseChatModel = init_chat_model(name, model_provider=provider, **_options(provider, settings))
    except ImportError as error:
        package = f"hoidap[{EXTRAS[provider]}]" if provider in EXTRAS else f"langchain-{provider.replace('_', '-')}"
        raise ModelError(
            f"The generator {settings.generator!r} needs a package that is missing: run pip install '{package}'."
        ) from error
    except Exception as error:  # a provider raises what it likes
        raise SettingsError(
            f"The generator {settings.generator!r} cannot be set up ({told(error)}): mend HOIDAP_GENERATOR, "
            "HOIDAP_MODEL_URL, or the key that its provider reads from the environment."
        ) from None  # what a library says of itself may hold the key
    return model


def _options(provider: str, settings: Settings) -> dict[str, Any]:
    """What the provider's class takes. Reading has no limit here: `rag.generation.speech` has better ones."""
    options: dict[str, Any] = {}
    only_connecting = (settings.model_connect_seconds, None, None, None)
    if settings.model_url:
        options["base_url"] = settings.model_url
    if settings.model_url or provider == "ollama":
        options["temperature"] = 0  # small models invent less; some large ones refuse to be told
    if provider == "openai":
        options |= {"timeout": only_connecting, "stream_chunk_timeout": None, "stream_usage": True}
        if settings.model_url and not os.environ.get("OPENAI_API_KEY"):
            options["api_key"] = "none"  # servers of one's own ask for none, the package does
    elif provider == "ollama":
        options["client_kwargs"] = {"timeout": only_connecting}
    if provider in EXTRAS and provider != "ollama":
        options["max_retries"] = 0  # whoever waits has a better answer already
    return options


def told(error: BaseException) -> str:
    """What `error` says, in one line, without any secret of the environment."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) > 3:
            text = text.replace(value, "***")
    return text if len(text) <= _TOLD else f"{text[:_TOLD]}…"
