"""What metrics, types and failures are called in the report: Vietnamese, and English beneath it."""

from __future__ import annotations

from typing import NamedTuple


class Label(NamedTuple):
    """A name in both languages."""

    vi: str
    en: str


METRICS = {
    "correct": Label("Đúng, kể cả từ chối đúng", "Right, refusals included"),
    "answer_accuracy": Label("Trả lời đúng", "Answer accuracy"),
    "token_f1": Label("F1 theo âm tiết", "Token F1"),
    "mean_words": Label("Số từ trung bình", "Mean words"),
    "citation_accuracy": Label("Dẫn nguồn đúng", "Citation accuracy"),
    "citation_validity": Label("Trích dẫn nguyên văn", "Citation validity"),
    "em": Label("Trùng khớp hoàn toàn", "Exact match"),
    "f1": Label("F1 của câu trả lời ngắn", "F1 of the short answer"),
    "answer_in_citations@1": Label("Đáp án trong 1 câu tốt nhất", "Answer in the best sentence"),
    "answer_in_citations@2": Label("Đáp án trong 2 câu tốt nhất", "Answer in the best 2 sentences"),
    "answer_in_citations@3": Label("Đáp án trong 3 câu tốt nhất", "Answer in the best 3 sentences"),
    "refusal_precision": Label("Độ chính xác khi từ chối", "Refusal precision"),
    "refusal_recall": Label("Độ bao phủ khi từ chối", "Refusal recall"),
    "false_refusal_rate": Label("Tỉ lệ từ chối nhầm", "False refusal rate"),
    "refusal_auroc": Label("AUROC của từ chối", "Refusal AUROC"),
    "model_supported": Label("Câu của mô hình có căn cứ", "Sentences of the model all supported"),
    "model_replaced": Label("Thay bằng trích nguyên văn", "Replaced by quotes"),
    "model_sentences": Label("Số câu của mô hình được hiện", "Sentences of the model shown"),
    "model_moved": Label("Số câu được đổi nguồn", "Sentences re-attributed"),
    "model_dropped": Label("Số câu bị bỏ", "Sentences dropped"),
    "model_tokens_in": Label("Số token mô hình đọc", "Tokens read"),
    "model_tokens_out": Label("Số token mô hình viết", "Tokens written"),
    "peak_memory_mb": Label("Bộ nhớ cao nhất (MB)", "Peak memory (MB)"),
    "latency_p50_ms": Label("Thời gian trả lời, trung vị (ms)", "Latency, median (ms)"),
    "latency_p95_ms": Label("Thời gian trả lời, bách phân vị 95 (ms)", "Latency, 95th percentile (ms)"),
}

TYPES = {
    "fact": Label("sự kiện", "fact"),
    "paraphrase": Label("diễn đạt lại", "paraphrase"),
    "abbrev": Label("viết tắt", "abbreviation"),
    "unaccented": Label("không dấu", "unaccented"),
    "nfd": Label("Unicode tổ hợp", "decomposed Unicode"),
    "typo": Label("gõ sai", "typo"),
    "followup": Label("hỏi tiếp", "follow-up"),
    "multi": Label("nhiều bài", "several articles"),
    "list": Label("liệt kê", "list"),
    "compare": Label("so sánh", "comparison"),
    "temporal": Label("thời gian", "temporal"),
    "unanswerable": Label("không có trong kho", "unanswerable"),
    "nearmiss": Label("lệch chi tiết", "near miss"),
    "answerable": Label("trả lời được", "answerable"),
    "impossible": Label("không trả lời được", "impossible"),
    "beir": Label("tìm kiếm", "retrieval"),
}

FAILURES = {
    "not_refused": Label("Lẽ ra phải từ chối", "Should have refused"),
    "refused": Label("Từ chối nhầm: đoạn văn có đáp án", "Refused, though a passage held the answer"),
    "refused_not_retrieved": Label("Từ chối: không tìm thấy đoạn có đáp án", "Refused: no passage held the answer"),
    "not_retrieved": Label("Không tìm thấy đoạn có đáp án", "No passage held the answer"),
    "not_selected": Label("Tìm thấy đoạn nhưng chọn sai câu", "A passage held it, other sentences were chosen"),
    "partial": Label("Mới trả lời được một phần", "Only a part was answered"),
    "too_long": Label("Quá dài (hơn 80 từ)", "Too long (over 80 words)"),
}

STAGES = {
    "latency": Label("toàn bộ", "whole answer"),
    "understand": Label("hiểu câu hỏi", "understand"),
    "embed": Label("nhúng", "embed"),
    "retrieve": Label("tìm kiếm", "retrieve"),
    "weigh": Label("chấm điểm câu", "weigh"),
    "generate": Label("soạn câu trả lời", "generate"),
}


def label(name: str, names: dict[str, Label]) -> Label:
    """The label of `name`; itself where there is none."""
    given = name.removeprefix("given_context.")
    found = names.get(given, Label(given, given))
    if given != name:
        return Label(f"{found.vi} (chỉ với ngữ cảnh cho sẵn)", f"{found.en} (given context only)")
    return found
