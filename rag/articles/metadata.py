"""What the text itself says of its title, publisher, author, date, source and tags.

Nothing is guessed from sentences: only lines of their own at the head or the foot count, and the
publisher's name before the first sentence. The words are in `data/byline.toml`, `publishers.toml`
and `noise.toml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlsplit

from rag.articles.blocks import Block, FrontMatter, is_body, is_ended, is_sentence, is_title_like, key, words
from rag.articles.noise import body_range, without_title
from rag.articles.phrases import byline, noise, publishers
from rag.schema import Span

_DATE = re.compile(
    r"(?<![\d/])(?P<d>\d{1,2})\s?[/.-]\s?(?P<m>\d{1,2})\s?[/.-]\s?(?P<y>-?\d{4})(?![\d/])"
    r"|(?P<d2>\d{1,2})\s+tháng\s+(?P<m2>\d{1,2})\s+(?:năm\s+)?(?P<y2>\d{4})"
    r"|(?<!\d)(?P<y3>\d{4})-(?P<m3>\d{2})-(?P<d3>\d{2})(?!\d)",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?<!\d)\d{1,2}(?:[:h]|\s?giờ\s?)\d{0,2}(?::\d{2})?(?:\s?phút)?(?!\d)", re.IGNORECASE)
_ZONE = re.compile(r"\(?\bGMT\s?[+-]?\s?\d*\)?|\+07(?::?00)?|\bT(?=\d)", re.IGNORECASE)
_PLACE_AND_DAY = re.compile(r"[^,:\d]{2,40}, ngày \d{1,2} tháng \d{1,2} năm \d{4}\W*", re.IGNORECASE)
_COUNT = re.compile(r"(?:lượt|số lần) (?:xem|đọc)\s*:?\s*[\d.,]+|[\d.,]+ lượt (?:xem|đọc)", re.IGNORECASE)
_SEPARATORS = re.compile(r"[|,;:·•/()\[\]–—-]")
_NAME = re.compile(r"[^\W\d_a-zà-ỹđ][^\W\d_]*\.?(?:[^\W\d_]+\.?)?(?:\s[^\W\d_a-zà-ỹđ][^\W\d_]*\.?){1,4}")
_INITIALS = re.compile(r"[A-ZĐ]\.\s?[A-ZĐ][^\W\d_]*")
_ASIDE = re.compile(r"\s*\((?:tổng hợp|biên dịch|dịch|lược dịch|theo [^)]{2,60}|ghi)\)$", re.IGNORECASE)
_DATELINE = re.compile(r"^\(?(?P<name>[\w.&+ ]{2,40}?)\)?\s*[-–—]\s*(?=\S)")
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.(?:vn|com|net|org)", re.IGNORECASE | re.ASCII)
_SENTENCE_END = re.compile(r"(?<=[a-zà-ỹđ0-9”\")][.!?…])\s+(?=[A-ZÀ-ỸĐ“\"])|(?<=[a-zà-ỹđ][”\"][.!?…])\s+")
_SUBJECT = re.compile(r"V/v:?\s+(?P<what>.{5,200})", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[,;:]\s|\s[-–—]\s")

_MAX_LINE = 200
"""The most characters of a line that may be a byline or a signature."""

MAX_TITLE = 120
"""The most characters of a title that is taken from the first sentence."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that held a date, a name, or both, and nothing else; `credits` are the words of it that tell."""

    published: date | None = None
    author: str = ""
    credits: tuple[str, ...] = ()


def from_text(blocks: list[Block], front: FrontMatter) -> tuple[FrontMatter, list[Block]]:
    """`front` with what it lacks taken from the text, and the blocks that are article.

    The lines that were read as data (masthead, byline, signature, tags, title) leave the text, but for those that tell
    who wrote it and when, which become its last; the text of an article is never emptied by it.
    """
    found, rest, credited = _head(blocks, front)
    found, rest = _lead(rest, found)
    found, rest = _title(rest, found)
    found, rest, signed = _foot(rest, found)
    if not found.publisher and front.url:  # not a "Nguồn: https://...": that is where it was taken from
        found = replace(found, publisher=publisher_of(front.url))
    told = [line for line in (*credited, *signed) if key(line.author) in ("", key(found.author))]
    told = [line for line in told if line.published in (None, found.published)]  # whoever made the file knows better
    return found, rest + [Block(words, "credit") for words in dict.fromkeys(w for line in told for w in line.credits)]


def publisher_of(url: str) -> str:
    """Return the publisher that an address belongs to, or ""."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    names = publishers()
    while host.count("."):
        if host in names:
            return names[host]
        host = host.split(".", 1)[1]
    return ""


def short_title(text: str) -> str:
    """Return the first sentence of `text`, cut at a clause or a word to at most 120 characters with "…"."""
    sentence = _SENTENCE_END.split(text, maxsplit=1)[0]
    if len(sentence) <= MAX_TITLE:
        return sentence.rstrip(" .")
    room = sentence[:MAX_TITLE]
    clauses = [m.start() for m in _CLAUSE_END.finditer(room)]
    if clauses and clauses[-1] >= MAX_TITLE // 2:
        return room[: clauses[-1]].rstrip() + "…"
    return (room[: MAX_TITLE - 1].rsplit(maxsplit=1)[0] if " " in room else room[: MAX_TITLE - 1]).rstrip(
        " ,;:–-"
    ) + "…"


def _head(blocks: list[Block], front: FrontMatter) -> tuple[FrontMatter, list[Block], list[_Line]]:
    """Read and remove masthead and bylines; what those tell comes last."""
    first, _ = body_range(blocks)
    # The byline may also follow the lead.
    head = blocks[: first + 4] if first < len(blocks) else blocks
    masthead = ""
    lines: dict[int, _Line] = {}
    for at, block in enumerate(head):
        if block.level or is_body(block):
            continue
        if at < first and len(lines) == at and _is_masthead(block, head[at + 1 : first + 1]):
            masthead = masthead or _spelled(block.text)
            lines[at] = _Line()
        elif masthead and at - 1 in lines and byline().offices.match(block.text):
            lines[at] = _Line()
        elif (line := _byline(block.text)) is not None:
            lines[at] = line
    for at in [at for at, line in lines.items() if line.published]:
        for near in (at - 1, at + 1):
            # A name alone is a byline only beside a date.
            if (
                0 <= near < len(head)
                and near not in lines
                and not head[near].level
                and (name := name_in(head[near].text))
            ):
                lines[near] = _Line(author=name, credits=(head[near].text,))
    if len(lines) == len(blocks):
        lines = {}  # nothing else is there: let the lines be the text
    rest = [block for at, block in enumerate(blocks) if at not in lines]
    found = replace(
        front,
        publisher=front.publisher or masthead,
        author=front.author or next((line.author for line in lines.values() if line.author), ""),
        published=front.published or next((line.published for line in lines.values() if line.published), None),
    )
    return found, rest, [line for _, line in sorted(lines.items())]


def _is_masthead(block: Block, after: list[Block]) -> bool:
    """Whether a first line names the publisher: the title must still come after it."""
    named = block.text.lower() in publishers() or byline().mastheads.match(block.text)
    return named and any(words(b.text) >= 4 and is_title_like(b) and _byline(b.text) is None for b in after)


def _title(blocks: list[Block], front: FrontMatter) -> tuple[FrontMatter, list[Block]]:
    """Return the title and the text without it; a first sentence that serves as title stays in the text."""
    if front.title or not blocks:
        return front, without_title(blocks, front.title)
    if official := _official(blocks):
        title, used = official
        return replace(front, title=title), [block for at, block in enumerate(blocks) if at not in used]
    line = next((block for block in blocks if block.level == 1), None)
    if line is None and len(blocks) > 1 and (blocks[0].level or is_title_like(blocks[0])):
        line = blocks[0]
    if line is not None:
        return replace(front, title=line.text), without_title(blocks, line.text)
    paragraph = next((block for block in blocks if block.kind == "paragraph"), blocks[0])
    return replace(front, title=short_title(paragraph.text)), blocks


def _official(blocks: list[Block]) -> tuple[str, range] | None:
    """The title of an official document, "Quyết định về việc ...", and the lines that it stands on, if it is one.

    Such documents have their kind on a line of its own in capitals, and below it what they are about.
    """
    first, _ = body_range(blocks)
    for at, block in enumerate(blocks[: first + 1]):
        kind = block.text.strip(" :*")
        if kind.isupper() and kind.lower() in byline().document_kinds and at + 1 < len(blocks):
            subject = blocks[at + 1].text
            if words(subject) < 3 or subject.isupper() or len(subject) > 2 * MAX_TITLE:
                return None
            lower = subject[0].lower() + subject[1:] if subject[1:2].islower() else subject
            return f"{kind.capitalize()} {lower.rstrip(' .')}", range(at, at + 2)
        if subject_line := _SUBJECT.match(block.text):
            return f"Công văn về việc {subject_line['what'].rstrip(' .')}", range(at, at + 1)
    return None


def _foot(blocks: list[Block], front: FrontMatter) -> tuple[FrontMatter, list[Block], list[_Line]]:
    """Read and remove tags, source, signature and byline in the closing lines; what the last two tell comes last."""
    _, end = body_range(blocks)
    body, tail = blocks[:end], list(blocks[end:])
    if not any(is_body(block) for block in body):
        return front, blocks, []
    signed = is_sentence(body[-1].text)  # after a table or list a name is one more line of it
    found = FrontMatter()
    kept: list[Block] = []
    credited: list[_Line] = []
    for block in reversed(tail):
        match = None if block.level else noise().last.search(block.text)
        line = None if match or block.level else _byline(block.text)
        # A signature is the last line, but for what is read as data.
        author = _signature(block.text) if signed and not (kept or match or line or block.level) else ""
        if match:
            found = _with_last(found, {k: v.strip(" .") for k, v in match.groupdict().items() if v})
        elif line:
            found = replace(found, author=line.author or found.author, published=line.published or found.published)
            credited.append(line)
        elif author and not found.author and front.author in ("", author):
            found = replace(found, author=author)
            credited.append(_Line(author=author, credits=(block.text,)))
        else:
            kept.append(block)
    front = replace(
        front,
        author=front.author or found.author,
        published=front.published or found.published,
        tags=front.tags or found.tags,
        source=front.source or found.source,
        url=front.url or found.url,
    )
    in_table = any(" | " in block.text for block in kept)
    return front, body + kept[::-1], [] if in_table else credited[::-1]


def _with_last(later: FrontMatter, found: dict[str, str]) -> FrontMatter:
    """`later` with what the closing line before it says of tags, topic, source or credit."""
    tags = [found["topic"]] if "topic" in found else re.split(r"[,;#|]", found.get("tags", ""))
    named = (tag.strip(" #.") for tag in tags)
    source = found.get("source") or found.get("credit") or later.source
    url = source if source.startswith(("https://", "http://")) and " " not in source else later.url
    return replace(
        later, tags=tuple(dict.fromkeys((*(tag for tag in named if tag), *later.tags))), source=source, url=url
    )


def _lead(blocks: list[Block], front: FrontMatter) -> tuple[FrontMatter, list[Block]]:
    """Remove "(Baohatinh.vn) - " before the first paragraphs, and keep whose name it is."""
    rest = list(blocks)
    for at, block in enumerate(rest[:3]):
        match = _DATELINE.match(block.text)
        if not match or block.level:
            continue
        name = match["name"].strip()
        publisher = publishers().get(name.lower(), name if _DOMAIN.fullmatch(name) else "")
        if publisher:
            cut = match.end()
            pages = tuple((max(0, offset - cut), page) for offset, page in block.pages)
            rest[at] = replace(block, text=block.text[cut:], pages=pages)
            return replace(front, publisher=front.publisher or publisher), rest
    return front, rest


def _spelled(masthead: str) -> str:
    """Return a masthead as a publisher's name: as in the data file where it is known, not all in capitals."""
    known = publishers().get(masthead.lower())
    return known or (masthead.capitalize() if masthead.isupper() else masthead)


def _byline(line: str) -> _Line | None:
    """Return what a line holds that is only a date (and a time, a weekday, names, a place), else None."""
    match = _DATE.search(line[:_MAX_LINE])
    if not match or words(line) > 16 or len(line) > _MAX_LINE or line.endswith(":"):
        return None
    if _PLACE_AND_DAY.fullmatch(line):  # the head of an official letter
        return _Line(_to_date(match), credits=(line,))
    around = _COUNT.sub(" ", line[: match.start()] + " | " + line[match.end() :])
    zoned = bool(_ZONE.search(around))
    timed = bool(_TIME.search(around))
    left = byline().labels.sub(" | ", _TIME.sub(" | ", _ZONE.sub(" ", around)))
    parts = [part.strip() for part in _SEPARATORS.split(left) if any(c.isalpha() for c in part)]
    authors = [name for part in parts if (name := name_in(part))]
    author = " - ".join(authors)
    found = _Line(_to_date(match), author, _credits(line, match, [part for part in parts if name_in(part)]))
    if len(authors) == len(parts):
        # "Inter Miami 8/7/2024" is a line of a table: a name needs a separator or the time.
        bare = author and not timed and not re.search(r"[|·•,:–—]|\s-|-\s", _TIME.sub("", line))
        return None if bare or not (found.published or author) else found
    # Other words: a section ("Pháp luật - 6/12/2024 15:52"), a place ("Huế, ngày 9 tháng 3 năm 2023").
    section = len(parts) == 1 and words(parts[0]) <= 3 and timed and re.match(r"[^\W\d_][^|,–-]*\s[|–-]\s", line)
    place = len(parts) == 1 and parts[0][0].isupper() and re.match(r"[^,:\d]{2,30}, ngày \d", line)
    return found if (zoned and words(left) <= 16) or section or place else None


def _credits(line: str, day: re.Match[str], names: list[str]) -> tuple[str, ...]:
    """`line` from the first to the last of its day, time and names; these one by one if a label stands between."""
    when = [day.span(), *(time.span() for time in _TIME.finditer(line))]
    who = [(line.find(name), line.find(name) + len(name)) for name in names if name in line]

    def words_of(spans: list[Span]) -> str:
        return line[min(start for start, _ in spans) : max(end for _, end in spans)]

    whole = words_of([*when, *who])
    if byline().labels.search(whole) or _COUNT.search(whole):
        return (*(words_of([name]) for name in who), words_of(when))
    return (whole,)


def _to_date(match: re.Match[str]) -> date | None:
    """Return the date of a match, or None where there is no such day or it cannot be a day of publication."""
    day, month, year = (int(match[k] or match[k + "2"] or match[k + "3"]) for k in "dmy")
    try:
        return date(year, month, day) if 1900 <= year <= 2100 else None
    except ValueError:
        return None


def name_in(text: str) -> str:
    """`text` as the name of one or two people, or "" if it is something else."""
    text = text.strip(" .")
    if len(text) > _MAX_LINE:
        return ""
    rules = byline()
    people = [part.strip() for part in re.split(r"\s[-–—&]\s|,\s|/", text)]
    if not people or len(people) > 3 or key(text) in rules.not_names:
        return ""
    people = [rules.titles.sub("", person) for person in people]
    for person in people:
        if not (_NAME.fullmatch(person) or _INITIALS.fullmatch(person)) or key(person) in rules.not_names:
            return ""
        if set(key(person).split()) & rules.not_name_words or person.lower() in rules.document_kinds:
            return ""
    return " - ".join(person.title() if person.isupper() and "." not in person else person for person in people)


def _signature(line: str) -> str:
    """Return the author a closing line names: "Kim Hoàn", "Tác giả: ...", "AN BÌNH (tổng hợp)", or ""."""
    line = _ASIDE.sub("", line).strip()
    label, colon, rest = line.partition(":")
    if colon and key(label) in {key(known) for known in byline().author_labels}:
        line = rest.strip()
    return "" if is_ended(line.rstrip(".")) else name_in(line)
