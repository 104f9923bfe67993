"""Articles cut into chunks of whole sentences, about 200 to 300 tokens each.

A Vietnamese word between spaces is about 1.25 tokens of the bundled model (measured on the seed articles), so
sizes are counted in words and chunking needs no model.
"""

from __future__ import annotations

from itertools import pairwise

from rag.schema import Article, Chunk, Span
from rag.vietnamese.sentences import is_list_item, same_sentence, split_statements

MAX_WORDS = 220
# A section shorter than this is joined to the next one, so that no chunk is a lone sentence.
MIN_WORDS = 60

RULE = f"sentences-{MIN_WORDS}-{MAX_WORDS}-5"
"""Identity of the way of chunking, kept in the index: chunks made in different ways are not mixed."""


def chunk_article(article: Article) -> list[Chunk]:
    """The chunks of `article`, in order. A heading between two chunks belongs to neither; one
    between two short sections that were joined stands inside the text, but is no sentence.

    Every sentence is in one chunk, whole, its long ones as several statements; only a sentence longer than `MAX_WORDS`
    may be parted. The credits are in no chunk.
    """
    chunks = []
    for heading, sentences in _sections(article):
        for run in _runs(article.text, sentences):
            start, end = run[0][0], run[-1][1]
            chunks.append(
                Chunk(
                    id=f"{article.id}:{start}-{end}",
                    article_id=article.id,
                    start=start,
                    end=end,
                    text=article.text[start:end],
                    heading=heading,
                    sentences=tuple(run),
                )
            )
    return chunks


def embedding_text(article: Article, chunk: Chunk) -> str:
    """What is embedded and searched for `chunk`: its title and heading, which it may not repeat, then its text."""
    return "\n".join(part for part in (article.title, chunk.heading, chunk.text) if part)


def _sections(article: Article) -> list[tuple[str, list[Span]]]:
    """Heading and sentences of each section; short sections are joined under the first one's heading."""
    text, headings = article.text, article.headings
    bounds = [0, *(start for start, _ in headings), len(text)]
    names = ["", *(text[start:end] for start, end in headings)]
    inside = {*headings, *article.credits}
    sections: list[tuple[str, list[Span]]] = []
    for name, (start, end) in zip(names, pairwise(bounds), strict=True):
        found = [(start + a, start + b) for a, b in split_statements(text[start:end])]
        sentences = [s for s in found if not any(h[0] <= s[0] and s[1] <= h[1] for h in inside)]
        if not sentences:
            continue
        if sections and _words(text, sections[-1][1]) < MIN_WORDS:
            sections[-1][1].extend(sentences)
        else:
            sections.append((name, sentences))
    return sections


def _runs(text: str, sentences: list[Span]) -> list[list[Span]]:
    """`sentences` in runs of about equal size, each within `MAX_WORDS` where its sentences allow."""
    parts = -(-_words(text, sentences) // MAX_WORDS)
    target = _words(text, sentences) / parts
    runs: list[list[Span]] = []
    size = 0
    for block in _blocks(text, sentences):
        words = _words(text, block)
        # Cut where the run comes nearer to the target without this block than with it.
        if runs and size + words <= MAX_WORDS and size + words / 2 <= target:
            runs[-1].extend(block)
            size += words
        else:
            runs.append(list(block))
            size = words
    return runs


def _blocks(text: str, sentences: list[Span]) -> list[list[Span]]:
    """What must not be parted: a sentence, or a list and what introduces it, as far as a chunk holds them."""
    blocks: list[list[Span]] = []
    for sentence in sentences:
        goes_on = blocks and (same_sentence(text, blocks[-1][-1], sentence) or is_list_item(text, sentence))
        if goes_on and _words(text, [*blocks[-1], sentence]) <= MAX_WORDS:
            blocks[-1].append(sentence)
        else:
            blocks.append([sentence])
    return blocks


def _words(text: str, sentences: list[Span]) -> int:
    return sum(len(text[start:end].split()) for start, end in sentences)
