"""People whom a question calls by their names, as the articles call them: "ông Chính" is "Thủ tướng".

An article tells once who has which post ("Thủ tướng Chính phủ Phạm Minh Chính"), and says "Thủ tướng" from then on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache, lru_cache

from rag.understanding.constraints import UPPER
from rag.vietnamese.data import lines

_CAPITALISED = rf"[{UPPER}][^\W\d_]*"
_HONORIFICS = ("ông", "bà", "anh", "chị", "đồng chí")
_ASKS_POST = re.compile(r"\b(?:chức|cương vị|vị trí|vai trò|làm gì ở|là ai)\b", re.IGNORECASE)
_DEPARTMENT = r"(?:[ \t]+[^\W\d_]+){0,5}?"  # "Bộ trưởng Bộ Ngoại giao", before the name


def by_posts(text: str, articles: Iterable[str], sentences: Collection[str]) -> str:
    """`text` with the people whom it calls "ông", or by a post and a given name, called by the posts that `articles`
    tell.

    It stays as it is if it asks for a post itself, and so does a whole name that one of `sentences`, which are to be
    read, has too. Whom the articles do not tell of is called as before, and so is who shares a given name with another
    one, unless they tell of one of them more than of the others together.
    """
    called = _called()
    if not called.search(text) or _ASKS_POST.search(text):
        return text
    told = [held for article in articles for held in people(article)]

    def post(found: re.Match[str]) -> str:
        title, name = found.groups()
        named = Counter(person for person, _ in told if person == name or person.endswith(f" {name}"))
        meant, times = named.most_common(1)[0] if named else ("", 0)
        is_given_name = " " not in name
        if 2 * times <= named.total() or (not is_given_name and any(name in sentence for sentence in sentences)):
            return found.group()
        posts = Counter(post for person, post in told if person == meant)
        if title.lower() in _HONORIFICS:
            return posts.most_common(1)[0][0]
        return title if is_given_name and title.lower() in map(str.lower, posts) else found.group()

    return called.sub(post, text)


@lru_cache(maxsize=256)
def people(text: str) -> tuple[tuple[str, str], ...]:
    """The people in `text`, each time with the post that stands beside the name: ("Phạm Minh Chính", "Thủ tướng")."""
    before, behind = _beside()
    return (
        *((found.group(2), found.group(1)) for found in before.finditer(text)),
        *((found.group(1), found.group(2)) for found in behind.finditer(text)),
    )


@cache
def _posts() -> str:
    """The posts that begin with no other one: "Bộ trưởng", not "Bộ trưởng Bộ Y tế"."""
    listed = [line for line in lines("roles.txt") if line[0].isupper()]
    shortest = [one for one in listed if not any(one != other and one.startswith(f"{other} ") for other in listed)]
    return "|".join(map(re.escape, sorted(shortest, key=len, reverse=True)))


@cache
def _called() -> re.Pattern[str]:
    honorifics = "|".join(_HONORIFICS)
    return re.compile(rf"\b((?i:{honorifics}|{_posts()}))\s+({_CAPITALISED}(?:\s+{_CAPITALISED}){{0,3}})\b")


@cache
def _beside() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A post before a whole name, and behind one."""
    surnames = "|".join(map(re.escape, lines("surnames.txt")))
    name = rf"(?:{surnames})(?:[ \t]+{_CAPITALISED}){{1,3}}"
    return (
        re.compile(rf"\b({_posts()}){_DEPARTMENT}[ \t]+({name})\b"),
        re.compile(rf"\b({name})[ \t]*[,–-][ \t]*({_posts()})\b(?!{_DEPARTMENT}[ \t]+{name})"),
    )
