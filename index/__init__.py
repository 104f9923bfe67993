"""Vectors, terms and payloads on disk, and finding them again. Knows nothing of language, models or answers."""
