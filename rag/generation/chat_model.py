"""The one place where a language model is set up: LangChain's `init_chat_model`, with our settings and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def open_model(settings: Settings) -> BaseChatModel:
    """The chat model that the setting `generator` names. Nothing is asked of it yet.

    Raises:
        SettingsError: there is no such provider, or it does not take these settings.
        ModelError: the provider's package is missing.
    """
    from langchain.chat_models import init_chat_model

    provider, _, name = settings.generator.partition(":")
    model: BaseChatModel = init_chat_model(name, model_provider=provider)
    return model
