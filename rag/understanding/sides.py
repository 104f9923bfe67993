"""What is asked of both of two things that are joined: "hội nghị 9/3 và hội nghị 2/4 do ai chủ trì?"."""

from __future__ import annotations

import re

from rag.understanding.constraints import UPPER
from rag.understanding.kinds import Kind, ask_words, opening_kind
from rag.vietnamese.normalize import has_accents
from rag.vietnamese.terms import syllables

# What ends the second part where it shares its end with the first: "A với B, bên nào lớn hơn?".
_SHARED_END = re.compile(r"\s*,\s*|\s+(?=(?:thì|có cùng|có giống|có khác|khác nhau|giống nhau)\b)", re.IGNORECASE)
# A thing with its number, "Chỉ thị 15", "hội nghị (9/3)": what stands behind the second of two is asked of both.
_NUMBERED = re.compile(r"(?!(?:tổng|tong)\b)(?:\(?[^\W\d]+\s+){1,12}\(?\d[^\s,;:]*(?=\s|$)", re.IGNORECASE)
# "Hội nghị 21/12 và 2/4 họp ở đâu": the second of two days, or numbers, is of the same thing.
_SAME_THING = re.compile(r"^(?:(?:cả\s+)?hai\s+)?(?!.*\b(?:tỉ lệ|tỷ lệ|từ)\b)(.*\s)(\d+[/-]\d+)$", re.IGNORECASE)
_DAY_ALONE = re.compile(r"(\d+[/-]\d+)(?=\s)")
# What is asked of both: "A và B do hai vị nào chủ trì?"
_OF_TWO = re.compile(
    r"\s+(?=do\s+(?:ai|(?:(?:hai|những|các)\s+)?\w+(?:\s+\w+)?\s+nào)\b"
    r"|(?:của|là)\s+(?:hai|những|các)\s+\w+(?:\s+\w+)?\s+nào\b)",
    re.IGNORECASE,
)
TWO = re.compile(r"(?<!gồm )\b(?:hai|những|các)\s+(?=\w+(?:\s+\w+)?\s+nào\b|ai\b)", re.IGNORECASE)
# What tells one thing from another of its kind: a day, a year, a name.
_WHEN = r"(?:(?:năm|tháng)\s+)?\d[\d/-]*(?:\s*[-–]\s*\d{4})?(?![\w%])"
_OFFICES = "Đảng|Nhà nước|Chính phủ|Quốc hội|Trung ương|Ban Bí thư"
_NAME = rf"(?:{_OFFICES}|[{UPPER}]\w*(?:\s+[{UPPER}]\w*)*)"
_TELLING = re.compile(rf"(?P<when>{_WHEN})|(?P<name>\b{_NAME})")
_BEGINS_NAME = re.compile(rf"(?!{_OFFICES})[{UPPER}]\w*\s+[^{UPPER}\d\W]")  # "Chỉ thị 15", "Chương trình"
_SHARED = 2  # syllables that stand on both sides, where one may be of two names: "Bắc Giang", "Bắc Ninh"
_LONGEST_TAIL = 2  # syllables that stand behind it ("phiên có Lạng Sơn dự"), or between two of them
_OCCASION = re.compile(
    r"(?:hai\s+)?(?:bài|bản tin|tin|(?:cuộc|buổi|phiên|kỳ)(?:\s+họp)?|họp|hội nghị|lễ|điểm cầu|kế hoạch|văn bản|chỉ thị"
    r"|chương trình|ông|bà|đồng chí|anh|chị)\b",
    re.IGNORECASE,
)
_HOW_ALIKE = re.compile(r"[\s,]*(?:có\s+)?(?:khác|giống|chênh|lệch)\b", re.IGNORECASE)
# "..., ai giữ chức gì" is asked of each, "..., cuộc nào họp sáng" only of one.
_WHO = re.compile(r"^(?:\s*,)?\s+(?:thì\s+)?(?:ai|\w+\s+nào|(?P<thing>\w+\s+\w+)\s+nào)(?=\s)", re.IGNORECASE)
# What opens the second part when it shares the beginning of the first: "ở Hà Tĩnh và ở Lạng Sơn".
SHARING = re.compile(r"(ở|tại|trong|trên|theo|của|về|năm|từ|với|hồi|khi so|nếu)\b", re.IGNORECASE)
# What two do together is asked of both at once: "A và B cùng chủ trì hội nghị nào?", "cách nhau bao nhiêu ngày".
_TOGETHER = re.compile(
    r"\b(?:(?:gặp|cách|với|cho) nhau|cùng\s+(?:chủ trì|dự|tham dự|ký|họp|làm)|tổng cộng|(?:điểm|gì) chung)\b",
    re.IGNORECASE,
)
# A title or an office that is written with small letters behind the first: "Thủ | tướng", "Sở Ngoại | vụ".
_BROKEN = re.compile(
    r"\b(?:Bộ|Sở|Ban|Cục|Vụ|Viện|Tổng|Phòng|Chương|Thủ|Chủ|Phó|Thứ|Nghị|Chỉ|Kế|Ngân|Ủy|Liên|Hội|Quyết|Đại)"
    rf"(?:\s+[{UPPER}]\w*)?$"
)
_OF_ALL = re.compile(r"(?:tổng|trung bình|quan hệ|ngoài|từ)\b", re.IGNORECASE)  # "tổng của quý 1 và quý 2"


def asks(text: str) -> bool:
    """Whether `text` asks for something, wherever the word stands that does."""
    return ask_words(text, accented=has_accents(text))[1] != Kind.OPEN


def opens(text: str) -> bool:
    """Whether the first word of `text` asks for something."""
    return opening_kind(text) != Kind.OPEN


def is_of_two(left: str, right: str) -> bool:
    """Whether what stands behind the second of two of a kind names both askings: "bài A, bài B do hai ai nào viết"."""
    asked = _OF_TWO.search(right) if is_alike(left, right) else None
    return bool(asked and TWO.search(right, asked.end()))


def asked_of_both(left: str, right: str, *, compared: bool, in_order: bool) -> tuple[str, str] | None:
    """The two sides, the first with what is asked behind the second of both; None if nothing is."""
    if asks(left) or _TOGETHER.search(right):
        return None
    if _NUMBERED.fullmatch(left) and (own := _NUMBERED.match(right)) and asks(right[own.end() :]):
        return left + right[own.end() :], right
    if (thing := _SAME_THING.match(left)) and (day := _DAY_ALONE.match(right)) and asks(right):
        what, first = thing.groups()
        return f"{what}{first}{right[day.end() :]}", f"{what}{right}"
    if (asked := _OF_TWO.search(right)) and (in_order or is_alike(left, right)):
        ending = TWO.sub("", right[asked.start() :])
        return left + ending, right[: asked.start()] + ending
    named = _of_two_named(left, right)
    if not named and left and compared and (end := _SHARED_END.search(right)):
        return f"{left}, {right[end.end() :]}", right
    return named


def _of_two_named(left: str, right: str) -> tuple[str, str] | None:
    """The sides where each is told by a day or a name of its own: "phiên có A dự và cuộc có B dự họp ngày nào"."""
    one = max(_TELLING.finditer(left), key=re.Match.start, default=None)
    tail = left[one.end() :].strip() if one else ""
    if one is None or len(syllables(tail)) > _LONGEST_TAIL or not syllables(right) or _OF_ALL.match(left):
        return None
    begun = _begun_alike(left, right)
    begins = " ".join(syllables(right)[:_SHARED])
    shares = begun > 0 or SHARING.match(right) or begins in " ".join(syllables(left))  # "ở bài A và bài B"
    if not shares and not (_OCCASION.match(left) and _OCCASION.match(right)):
        return None
    for other in _TELLING.finditer(right):
        if len(syllables(right[: other.start()])) < begun or (not shares and other.lastgroup != one.lastgroup):
            continue
        if _BEGINS_NAME.match(right, other.start()) and " " in one.group():
            continue
        cut = _told_until(right, other.end(), tail, has_when=bool(re.search(r"\d", left)))
        subject, asked = right[:cut], right[cut:]
        if not asks(asked) or asks(subject) or _HOW_ALIKE.match(asked) or _BROKEN.search(subject):
            return None
        if (who := _WHO.match(asked)) and (who["thing"] or "").lower() in left.lower():
            asked = asked[who.end() :]
        asked = TWO.sub("", asked)
        return (left + asked, subject + asked) if asks(asked) else None
    return None


def _told_until(text: str, at: int, tail: str, *, has_when: bool) -> int:
    """Where what tells a thing ends that is named before `at`: "UBND | tỉnh Hà Tĩnh", "năm 2024 | hồi tháng 4"; a time
    is its own only if the other one `has_when`, otherwise it is that of both.
    """
    for more in _TELLING.finditer(text, at):
        between = text[at : more.start()]
        if len(syllables(between)) > _LONGEST_TAIL or "," in between or asks(between):
            break
        if more["when"] and not has_when:
            break
        at = more.end()
    end = re.compile(rf"\s*{re.escape(tail)}(?!\w)", re.IGNORECASE).match(text, at) if tail else None
    return end.end() if end else at


def _begun_alike(left: str, right: str) -> int:
    """With how many of the same syllables both begin."""
    pairs = zip(syllables(left), syllables(right), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(syllables(left)), len(syllables(right))))


def is_alike(left: str, right: str) -> bool:
    """Whether the parts name two of a kind: "bài trên báo A", "bài trên báo B"; not the last of several."""
    return syllables(left)[:1] == syllables(right)[:1] and "," not in left
