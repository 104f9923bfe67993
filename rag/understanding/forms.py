"""Questions that name two things in a set form: "Số người: A với B", "Hai vị, một bên A một bên B, tên gì?"."""

from __future__ import annotations

import re
from typing import NamedTuple

from rag.understanding.constraints import UPPER
from rag.understanding.sides import TWO, asks, opens

# "Hai vị phó chủ tịch, một bên A một bên B, tên gì?"
_SIDES = re.compile(
    r"^(?:hai\s+)?(.*?)(?<!\bgiữa)(?<!\blà)(?:\s*[,:])?\s*\b(?:một bên|bên này)\s+(?:là\s+)?(.+?)(?:\s*,\s*|\s+)"
    r"(?:(?:và|còn)\s+)?(?:một bên|bên kia)\s+(?:là\s+)?([^,:?]+)(.*)$",
    re.IGNORECASE,
)
# "Xét về A và xét về B thì ... ở mỗi mặt?"
_NO_VERB = r"(?!\s+(?:dõi|sát|kịp|đuổi|thăm|làm|quê|đích|nước|nguồn|trước|sau|đến|tới)\b)"
_BY_EACH = re.compile(
    rf"^(?P<by>(?:xét|tính)(?:\s+(?:về|theo))?|về|theo){_NO_VERB}\s+(?P<left>[^,?]+?)\s+(?:và|lẫn)\s+(?P=by){_NO_VERB}\s+(?P<right>"
    r"[^,?]+?)(?:\s*,|\s+thì)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
_IN_EACH = re.compile(
    r"\s+(?:(?:ở|theo|về|trong)\s+)?(?:mỗi|từng)\s+(?:tiêu chí|mặt|lĩnh vực|khía cạnh|phương diện)", re.IGNORECASE
)
# "Trong hai người A và B, ai là giám đốc, ai là chủ tịch?"
_HOLDS = r"(?:là|làm|giữ)\b(?!\s+(?:người|tác giả)\b)"
_WHO_IS_WHICH = re.compile(
    rf"^trong (?:hai|2) (?:người|vị|ông|bà|đồng chí)\s+(?P<left>(?-i:[{UPPER}])[^,?]+?)\s+(?:và|với)\s+"
    rf"(?P<right>(?-i:[{UPPER}])[^,?]+?)\s*,\s*ai {_HOLDS}.+,\s*(?:còn |và )?ai {_HOLDS}",
    re.IGNORECASE,
)
# "Cho tôi xin hai số trong bài X: A và B"
_TOLD_AHEAD = re.compile(
    r"^(?:[^:?]*\s)?(?:hai|2)\s+(?:con\s+)?(?:số liệu|số|thông tin|điều|ý|việc|mốc|chi tiết)"
    r"(?:\s+(?:sau|này))?(?P<frame>\s+(?:trong|của|ở|tại|theo|về|năm)\s[^:?]+)?:\s+"
    r"(?P<left>[^,]+?)\s+và\s+(?P<right>[^?.,]+)[?.]*$",
    re.IGNORECASE,
)
_TOPIC = re.compile(r"^([^:?]{3,80}):\s+(.+?)\s+(?:vs\.?|với|và)\s+(.+)$", re.IGNORECASE)  # "Số người: A với B"
_VERSUS = re.compile(r"\bvs\b", re.IGNORECASE)


class Form(NamedTuple):
    """The two questions, whether surely both are asked, and whether each holds all that it shares with the other."""

    parts: tuple[str, str]
    is_sure: bool = True
    is_whole: bool = True


def in_set_form(text: str) -> Form | None:
    """The two questions in `text`; None if it has none of the forms."""
    if (of := _SIDES.match(text)) and asks(of[4]) and not any(map(asks, of.group(2, 3))):
        head, left, right, rest = of.groups()
        return Form((f"{head} {left}{rest}".strip(), f"{head} {right}{rest}".strip()))
    if (of := _BY_EACH.match(text)) and asks(of["rest"]) and not any(map(asks, of.group("left", "right"))):
        rest = TWO.sub("", _IN_EACH.sub("", of["rest"]))
        return Form((f"{of['by']} {of['left']}, {rest}", f"{of['by']} {of['right']}, {rest}"))
    if of := _WHO_IS_WHICH.match(text):
        return Form((f"{of['left']} giữ chức vụ gì?", f"{of['right']} giữ chức vụ gì?"))
    if (of := _TOLD_AHEAD.match(text)) and not any(map(asks, of.groups(""))):
        frame = of["frame"] or ""
        return Form((of["left"] + frame, of["right"] + frame), is_whole=bool(frame))
    if (of := _TOPIC.match(text)) and not any(map(asks, of.groups())):
        topic, left, right = of.groups()
        return Form((f"{topic} {left}", f"{topic} {right}"), opens(topic) or bool(_VERSUS.search(text)))
    return None
