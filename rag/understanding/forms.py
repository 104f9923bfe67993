"""Questions that name two things in a set form: "Số người: A với B", "Hai vị, một bên A một bên B, tên gì?"."""

from __future__ import annotations

import re

from rag.understanding.constraints import UPPER
from rag.understanding.sides import TWO, asks, opens

# "Hai vị phó chủ tịch, một bên A một bên B, tên gì?"
_SIDES = re.compile(
    r"^(?:hai\s+)?(.*?)(?<!\bgiữa)(?<!\blà)(?:\s*[,:])?\s*\b(?:một bên|bên này)\s+(?:là\s+)?(.+?)(?:\s*,\s*|\s+)"
    r"(?:(?:và|còn)\s+)?(?:một bên|bên kia)\s+(?:là\s+)?([^,:?]+)(.*)$",
    re.IGNORECASE,
)
# "Xét về A và xét về B thì ... ở mỗi mặt?"
_BY_EACH = re.compile(
    r"^(?P<by>(?:xét|tính)(?:\s+(?:về|theo))?|về|theo)\s+(?P<left>[^,?]+?)\s+(?:và|lẫn)\s+(?P=by)\s+(?P<right>[^,?]+?)"
    r"(?:\s*,|\s+thì)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
_IN_EACH = re.compile(
    r"\s+(?:(?:ở|theo|về|trong)\s+)?(?:mỗi|từng)\s+(?:tiêu chí|mặt|lĩnh vực|khía cạnh|phương diện)", re.IGNORECASE
)
# "Trong hai người A và B, ai là giám đốc, ai là chủ tịch?"
_WHO_IS_WHICH = re.compile(
    rf"^trong (?:hai|2) (?:người|vị|ông|bà|đồng chí)\s+(?P<left>(?-i:[{UPPER}])[^,?]+?)\s+(?:và|với)\s+"
    rf"(?P<right>(?-i:[{UPPER}])[^,?]+?)\s*,\s*ai (?:là|làm|giữ)\b.+,\s*(?:còn |và )?ai (?:là|làm|giữ)\b",
    re.IGNORECASE,
)
# "Cho tôi xin hai số trong bài X: A và B"
_TOLD_AHEAD = re.compile(
    r"^(?:[^:?]*\s)?(?:hai|2|mấy|các|những)\s+(?:con\s+)?(?:số liệu|số|thông tin|điều|ý|việc|mốc|tên|chi tiết)\b"
    r"(?P<frame>[^:?]*):\s+(?P<left>.+?)\s+(?:và|với|cùng)\s+(?P<right>[^?.]+)[?.]*$",
    re.IGNORECASE,
)
_TOPIC = re.compile(r"^([^:?]{3,80}):\s+(.+?)\s+(?:vs\.?|với|và)\s+(.+)$", re.IGNORECASE)  # "Số người: A với B"
_VERSUS = re.compile(r"\bvs\b", re.IGNORECASE)

Parts = tuple[str, str]


def in_set_form(text: str) -> tuple[Parts, bool] | None:
    """The two questions in `text`, and whether it surely asks for both; None if it has none of the forms."""
    if (of := _SIDES.match(text)) and asks(of[4]) and not any(map(asks, of.group(2, 3))):
        head, left, right, rest = of.groups()
        return (f"{head} {left}{rest}".strip(), f"{head} {right}{rest}".strip()), True
    if (of := _BY_EACH.match(text)) and asks(of["rest"]) and not any(map(asks, of.group("left", "right"))):
        rest = TWO.sub("", _IN_EACH.sub("", of["rest"]))
        return (f"{of['by']} {of['left']}, {rest}", f"{of['by']} {of['right']}, {rest}"), True
    if of := _WHO_IS_WHICH.match(text):
        return (f"{of['left']} giữ chức vụ gì?", f"{of['right']} giữ chức vụ gì?"), True
    if (of := _TOLD_AHEAD.match(text)) and not any(map(asks, of.groups())):
        return (of["left"] + of["frame"], of["right"] + of["frame"]), True
    if (of := _TOPIC.match(text)) and not any(map(asks, of.groups())):
        topic, left, right = of.groups()
        return (f"{topic} {left}", f"{topic} {right}"), opens(topic) or bool(_VERSUS.search(text))
    return None
