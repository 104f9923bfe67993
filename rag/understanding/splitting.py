"""Two questions in one: "A và B lần lượt là bao nhiêu?", "Ai chủ trì, còn ai dự?", "so năm 2022 với năm 2024"."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from rag.understanding.constraints import UPPER
from rag.understanding.dates import YEAR_PHRASE, years
from rag.understanding.forms import in_set_form
from rag.understanding.kinds import plainly, without_asking
from rag.understanding.sides import SHARING, asked_of_both, asks, is_of_two, opens
from rag.vietnamese.normalize import has_accents, strip_accents
from rag.vietnamese.terms import syllables

_JOINTS = (
    "và",
    "so với",
    "vs",
    "với",
    "còn",
    "cùng với",
    "đồng thời",
    "rồi",
    "hay",
    "khác gì",
    "khác gì so với",
    "khác gì với",
    "khác với",
)


def _joint(words: Collection[str]) -> re.Pattern[str]:
    longest_first = "|".join(sorted(words, key=len, reverse=True))
    return re.compile(
        rf"\s*(?:[,;]\s*)?\b(?<!\bđối )(?<!\bdoi )(?:{longest_first})\b\s+(?!nhau\b)|\s*;\s*", re.IGNORECASE
    )


# Without accents "con" may be "còn"; with them it is "con số".
_AND, _BARE_AND = _joint(_JOINTS), _joint([*map(strip_accents, _JOINTS)])
# What only says again what stands before the comma.
_COMMA = re.compile(r"\s*,\s+(?!(?:tức|nghĩa|có nghĩa) là\b)", re.IGNORECASE)
_NEXT = re.compile(r"\?\s+(?:(?:thế còn|thế|còn|và|vậy|đồng thời)\s+)?(?=\w)", re.IGNORECASE)
# What joins two things to one: "quan hệ với B", "giữa A và B", "ngoài A còn B".
_OF_ONE = re.compile(
    r"(?:(?<!cùng )(?<!cung )\b(?:với|voi)|\b(?:giữa|giua)\b.*\b(?:và|va)|^(?:ngoài|ngoai)\b.*\b(?:còn|con))\s+$",
    re.IGNORECASE,
)
_COMPARING = re.compile(
    r"^\s*(?:(?:(?:hãy|xin|nhờ|đề nghị|vui lòng|làm ơn)\s+)*(?:so(?:\s+sánh)?|đối chiếu|phân biệt"
    r"|đặt (?:cạnh|bên) nhau(?:\s+thì)?)(?:\s+giúp(?:\s+\w+)?)?|giữa)\b\s*:?\s*",
    re.IGNORECASE,
)
# What asks only how two things differ: what is asked of each stands before it.
_HOW = r"(?:như\s+)?(?:thế nào|ra sao|(?:ở\s+)?(?:điểm|chỗ) nào)"
_DIFFERENCE = re.compile(
    rf"[\s,]*\b(?:(?:có|thì|là|gì|điểm gì|điểm nào)\s+)*(?:khác|giống|chênh|lệch)(?:\s+(?:biệt|lệch|nhau))*"
    rf"\s+(?:{_HOW}|sao|gì|ở đâu|bao nhiêu|nhiều không|không)\s*[?.!]*$",
    re.IGNORECASE,
)
# "A khác B như thế nào"
_DIFFERS = re.compile(
    rf"\s+(?:có\s+)?khác\s+(?!nhau\b|gì\b|với\b|biệt\b|về\b|ở\b)(.+?)\s+{_HOW}(?:\s+(?:về|ở)\s+[^,?]+)?\s*[?.!]*$",
    re.IGNORECASE,
)
# "A với B khác nhau về hình thức ra sao", "về hình thức, A khác B thế nào": what is asked of each.
_DIFFERENCE_IN = re.compile(
    rf"[\s,]*\b(?:(?:có|thì|là|gì|điểm gì)\s+)*(?:khác|giống)(?:\s+(?:biệt|nhau|gì))+(?:"
    rf"\s+(?:về|ở)\s+(?:mặt\s+)?(?!điểm|chỗ)(?P<one>(?:(?!\bso với\b)[^,?])+?)\s+(?:{_HOW}|nào|gì|không)"
    rf"|\s+{_HOW}\s+(?:về|ở)\s+(?:mặt\s+)?(?P<other>[^,?]+?))\s*[?.!]*$",
    re.IGNORECASE,
)
_REGARDING = re.compile(r"^(?:xét\s+|riêng\s+)?về\s+(?:mặt\s+)?([^,?]{3,30}),\s+", re.IGNORECASE)
_FIGURE = re.compile(r"con số\s+(?:mà\s+)?", re.IGNORECASE)  # "khác gì con số Thủ tướng nêu": the same that A is
_OF_FIGURE = re.compile(r"\s+(?:mà\b|(?:được\s+)?(?:nêu|nói|trong|theo|tại)\b)", re.IGNORECASE)
_SEVERAL = re.compile(r"(?:các|những|mọi|nhiều|\w+\s+nào)\b", re.IGNORECASE)
_SHARERS = r"(?:bên|người|vị|ông|bà|bài|nơi|bản|cuộc|kỳ|cái|tỉnh|nước|phiên|hội nghị|văn bản)"
_PARTED = rf"(?:{_SHARERS}|sự kiện|buổi|điểm cầu)"
_EACH = re.compile(  # "A với B, mỗi bên ...", "A và B: bên nào do ai ...", "A và B mỗi bên chia ..."
    rf"\s*[,:]\s*(?:thì\s+)?(?:mỗi\s+{_PARTED}|{_PARTED}\s+nào(?=\s+(?:(?:do|có|là|vào|ở|tại)\s+)?"
    r"(?:ai|đâu|mấy|bao nhiêu|gì|(?:khi|ngày|năm|lúc) nào)\b))\s+"
    rf"|^(?!.*\bgiữa\b)(?P<two>.*\b(?:và|với)\s+(?-i:[{UPPER}]\w*(?:\s+[{UPPER}]\w*)*))\s+mỗi\s+bên\s+"
    r"(?!(?:là|do|gồm|ra sao|thế nào|mấy|bao nhiêu|ai)\b)",
    re.IGNORECASE,
)
_OF_EACH = re.compile(  # "A với B, chức vụ của mỗi người là gì"
    rf"\s+(?:của\s+)?mỗi\s+{_SHARERS}(?=\s+(?:là|do|gồm|ra sao|thế nào|mấy|bao nhiêu|ai)\b)", re.IGNORECASE
)
_PLEASE = re.compile(
    r"^(?:(?:làm ơn|xin|hãy|cho|tôi|em|mình|hỏi|biết)\s+)+(?=(?:con\s+)?số\b|tên\b|ngày\b)"
    r"|^(?:(?:kính|đề nghị|xin|nhờ|mong|cho|quý|cơ quan|đơn vị|tôi|em|mình|cháu|anh|chị|vui lòng)\s+)+(?:hỏi|biết)\b"
    r"\s*[,:]?\s*(?=\S)",
    re.IGNORECASE,
)
# What both parts are asked of: "Theo bài của A, có bao nhiêu B và C?"
_FRAME = re.compile(
    r"^(?:theo|trong|tại|ở)\s+(?:bài|bản tin|tin|báo|hội nghị|phiên|cuộc|buổi|kế hoạch|chương trình|văn bản|điểm cầu"
    r"|tỉnh|thành phố)\b[^,?]{2,80},\s+",
    re.IGNORECASE,
)
_WHERE = ("ở", "tại", "trong", "trên", "theo")  # one may stand for another: "nêu trong bài ... và tại hội nghị ..."
_BESIDES = re.compile(r"(?:ngoài|ngoai)\b", re.IGNORECASE)  # "ngoài ông ấy còn lãnh đạo nào khác"
_WHICH = re.compile(r",\s*\w+\s+(?:nào|nao)\b", re.IGNORECASE)  # "A với B, cuộc nào ...?"
_COMPARED = re.compile(r"\b(?:hơn|giống|khác|chênh|lệch|(?:có|cùng) .+ không|so với)\b", re.IGNORECASE)
# What only asks once more to be told: ", kể ra giúp mình".
_TELL_WORDS = (
    r"\s*[,;?]\s*(?:(?:xin|nhờ|hãy|bạn|làm ơn)\s+)*(?:kể|liệt kê|nêu|nói|đối chiếu|so sánh)"
    r"(?:\s+(?:ra|hết|tên|rõ|đủ|giúp|giùm|dùm|hộ|cho|tôi|mình|em|anh|chị|coi|xem|nghe|biết|với|đi|luôn|thử|cụ thể"
    r"|đầy đủ|nhé|nha|ạ))*\s*[?.!]*$"
)
_TELL = re.compile(f"{_TELL_WORDS}|{strip_accents(_TELL_WORDS)}", re.IGNORECASE)
# What only asks which is more, where each part asks how much: what they are answers that.
_WHICH_MORE = re.compile(
    r"\s*[,;]\s*(?:thì\s+)?(?:(?:bên|cái|nơi|năm|số|con số|đằng|tỉnh|bài|cuộc|văn bản)\s+nào\s+(?:là\s+)?[^\s,?]+\s+hơn"
    r"|có\s+(?:bằng|giống|khác|trùng|như)\s+nhau\s+(?:(?:về|ở)\s+[^,;?]+\s+)?(?:không|hay không))\s*[?.!]*$",
    re.IGNORECASE,
)
_IN_ORDER = re.compile(r"\s*\b(?:lần lượt|lan luot)\b", re.IGNORECASE)
_LEAST = 2  # syllables of a part
_HEAD = 2  # syllables that tell what a part asks for
_MOST = 3  # ways to be tried: each costs two searches


@dataclass(frozen=True, slots=True)
class Split:
    """A way to part a question in two. `is_sure` if there is no doubt that it asks for two things.

    `is_of_difference` if what it asks as a whole is how they differ, which neither part asks. `is_whole` if each part
    holds all that it shares with the other.
    """

    parts: tuple[str, str]
    is_sure: bool = False
    is_of_difference: bool = False
    is_whole: bool = False


def splits(text: str) -> list[Split]:
    """The ways to part `text` in two, the likeliest first; none if it joins nothing."""
    text = plainly(_PLEASE.sub("", _TELL.sub("", text)))
    if (frame := _FRAME.match(text)) and (within := splits(text[frame.end() :])):
        return [replace(way, parts=_within(frame.group(), way.parts)) for way in within]
    ways = [*_of_years(text), *_of_sentences(text)]
    if (more := _WHICH_MORE.search(text)) and asks(text[: more.start()]):
        text = text[: more.start()] + "?"
    in_order = bool(_IN_ORDER.search(text))
    text = _IN_ORDER.sub("", text)
    compared = bool(
        _COMPARING.match(text)
        or (_COMPARED.search(text) and not _BESIDES.match(text))
        or _EACH.search(text)
        or _OF_EACH.search(text)
    )
    text = _OF_EACH.sub("", _EACH.sub(r"\g<two>, ", _COMPARING.sub("", text)))
    if (form := in_set_form(text)) and _is_long_enough(form.parts):
        return [*ways, Split(form.parts, form.is_sure or compared, is_whole=form.is_whole)]
    aspect = ""
    if (regarding := _REGARDING.match(text)) and _differ(text[regarding.end() :]):
        aspect, text = regarding.group(1), text[regarding.end() :]
    elif (difference := _DIFFERENCE_IN.search(text)) and not asks(text[: difference.start()]):
        aspect, text = difference["one"] or difference["other"], text[: difference.start()] + " khác nhau thế nào"
    # "Các tỉnh khác" are other ones.
    both = _DIFFERENCE.sub("", text if _SEVERAL.match(text) else _DIFFERS.sub(r" và \1", text))
    is_of_difference, text = both != text, both
    joined = [
        way
        for joint in _joints(text).finditer(text)
        if (way := _at(joint, compared=compared, in_order=in_order, differ=is_of_difference))
    ]
    # A comma alone parts only where something is asked on both sides.
    alone = (comma for comma in _COMMA.finditer(text) if not _joints(text).match(text, comma.start()))
    commas = (at for at in alone if asks(text[: at.start()]) and asks(text[at.end() :]))
    joined += [way for comma in commas if (way := _at(comma, compared=False, in_order=False, differ=False))]
    middle = len(text) / 2
    joined.sort(key=lambda way: (not way.is_sure, not way.is_whole, abs(len(way.parts[0]) - middle)))
    if aspect and is_of_difference:
        joined = [replace(way, parts=_within(f"{aspect} của ", way.parts), is_sure=True) for way in joined]
    return [replace(way, is_of_difference=is_of_difference) for way in (*ways, *joined)][:_MOST]


def _differ(text: str) -> bool:
    """Whether all that `text` asks is how two things differ."""
    found = _DIFFERENCE.search(text) or _DIFFERS.search(text)
    return found is not None and not asks(text[: found.start()])


def _within(frame: str, parts: tuple[str, str]) -> tuple[str, str]:
    left, right = (frame + part for part in parts)
    return left, right


def _joints(text: str) -> re.Pattern[str]:
    return _AND if has_accents(text) else _BARE_AND


def _of_years(text: str) -> list[Split]:
    """All but the years is shared: "Kim ngạch năm 2022 và 2023"."""
    found = list(YEAR_PHRASE.finditer(text))
    if (
        len(found) != 2
        or len(years(text)) != 2
        or not _joints(text).fullmatch(text[found[0].end() : found[1].start()] or "-")
    ):
        return []
    begin, end = text[: found[0].start()], text[found[1].end() :]
    return [Split((begin + found[0].group() + end, begin + found[1].group() + end))]


def _of_sentences(text: str) -> list[Split]:
    """Two questions, one after the other: "A là ai? B thì sao?"."""
    ways = [Split((text[: m.start() + 1].strip(), text[m.end() :].strip()), is_sure=True) for m in _NEXT.finditer(text)]
    return [way for way in ways if _is_long_enough(way.parts)]


def _at(joint: re.Match[str], *, compared: bool, in_order: bool, differ: bool) -> Split | None:
    """The parts before and behind `joint`, each with what it shares with the other; None if one says too little."""
    left, right = joint.string[: joint.start()].strip(), joint.string[joint.end() :].strip()
    if re.match("hay", joint.group().strip(" ,"), re.IGNORECASE) and not compared:  # "good", not "or"
        return None
    is_of_one = _OF_ONE.search(joint.string[: joint.end()]) and not _WHICH.search(right)
    each_asks = (asks(left) and asks(right)) or (opens(left) and opens(right))
    # "Giám đốc sở của A với của B", "bài A với bài B do hai ai nào viết"
    is_of_both = (" của " in left and re.match(r"của\s+(?!cải\b)", right)) or is_of_two(left, right)
    if is_of_one and not (each_asks or in_order or compared or is_of_both):
        return None
    both = asked_of_both(left, right, compared=compared, in_order=in_order)
    is_shared, own = both is not None, left
    left, right = both or (left, right)
    if shared := SHARING.match(right):
        # The last such word of the left part begins what the right one replaces.
        word = shared.group(1).lower()
        alike = "|".join([word] if word not in _WHERE or re.search(rf"\b{word}\b", own, re.IGNORECASE) else _WHERE)
        places = list(re.finditer(rf"\b(?:{alike})\b", own, re.IGNORECASE))
        if places and places[-1].start() > 0:
            right = own[: places[-1].start()] + right
    same_head = syllables(left)[:_HEAD] == syllables(right)[:_HEAD]  # "phương châm của A và phương châm của B"
    if compared and (figure := _FIGURE.match(right)) and (of := _OF_FIGURE.search(left)):
        right, is_shared = f"{left[: of.start()]} {right[figure.end() :]}", True
    elif differ and not shared and not same_head and " của " in left:  # "hình thức của A và B khác nhau thế nào"
        right, is_shared = f"{left.rpartition(' của ')[0]} của {right}", True
    parts = (left, right)
    is_sure = each_asks or is_shared or in_order or same_head
    return Split(parts, is_sure, is_whole=is_shared) if _is_long_enough(parts) else None


def _is_long_enough(parts: tuple[str, str]) -> bool:
    """Whether each part says something, and does not only ask."""
    about = (without_asking(part, accented=has_accents(part)) for part in parts)
    return min(len(syllables(part)) for part in parts) >= _LEAST and all(map(syllables, about))
