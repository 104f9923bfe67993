// What the chat page needs beside Gradio: copying an answer as text, keeping the question in sight while its
// answer grows, and Vietnamese where Gradio has English.
"use strict";

function answerText(answer) {
  const lines = [];
  // A notice is copied with what it warns of.
  const said = ":scope > p:not([class]), :scope > ul > li, :scope > .hd-notice > p, :scope > .hd-notice > ul > li";
  for (const block of answer.querySelectorAll(said)) {
    lines.push((block.matches("li:not(.hd-numbered)") ? "- " : "") + block.innerText.trim());
  }
  const cards = answer.querySelectorAll(".hd-card");
  if (cards.length) {
    lines.push("", "Nguồn trích dẫn:");
  }
  for (const card of cards) {
    const number = card.querySelector(".hd-number").innerText.trim();
    const title = card.querySelector(".hd-card-title").innerText.trim().slice(number.length).trim();
    const about = [...card.querySelectorAll(".hd-meta")].map((line) => line.innerText.trim());
    const link = card.querySelector(".hd-original") || card.querySelector(".hd-open");
    lines.push(`[${number}] ${[title, ...about].join(". ")}. ${link.href}`);
  }
  return lines.join("\n");
}

async function toClipboard(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without https, as on many an intranet, browsers offer only this older way.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) {
    throw new Error("copying was refused");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button.hd-copy");
  if (!button) {
    return;
  }
  const name = button.innerText;
  try {
    await toClipboard(answerText(button.closest(".hd-answer")));
    button.innerText = "Đã sao chép";
  } catch {
    button.innerText = "Trình duyệt không cho sao chép";
  }
  button.focus();
  setTimeout(() => { button.innerText = name; }, 2000);
});

// A few words of Gradio's cannot be set from the server: the page's language, names that only a screen reader
// tells, and the notice of a lost connection. Each message it names by its source, HTML and all; without a
// name its text is read.
const WORDS = {
  "chatbot conversation": "Cuộc trò chuyện",
  "Scroll down": "Cuộn xuống cuối",
  "Liked": "Hữu ích (đã chọn)",
  "Disliked": "Chưa hữu ích (đã chọn)",
  "Close": "Đóng",
  "Error": "Lỗi",
  "Info": "Thông báo",
  "Connection to the server was lost. Attempting reconnection...": "Mất kết nối tới máy chủ. Đang thử kết nối lại…",
  "Connection errored out.": "Mất kết nối tới máy chủ.",
  "This application is currently busy. Please try again.": "Máy chủ đang bận. Bạn hãy thử lại.",
};

function inVietnamese() {
  if (document.documentElement.lang !== "vi") {
    document.documentElement.lang = "vi";
  }
  for (const named of document.querySelectorAll("[data-testid][aria-label], .example[aria-label]")) {
    named.removeAttribute("aria-label");
  }
  for (const named of document.querySelectorAll("[aria-label]")) {
    const name = WORDS[named.getAttribute("aria-label")];
    if (name) {
      named.setAttribute("aria-label", name);
      named.removeAttribute("title");
    }
  }
  for (const told of document.querySelectorAll(".toast-title, .toast-message-text")) {
    const text = [...told.childNodes].find((node) => node.nodeType === Node.TEXT_NODE);
    const words = WORDS[text?.data.trim()];
    if (words) {
      text.data = words;
    }
  }
}

// A new question moves to the top, so that its answer is read from its beginning; whoever scrolls is let be.
let questions = 0;
let following = false;

function keepQuestionInSight() {
  const rows = document.querySelectorAll("#hd-chat .user-row");
  following = rows.length > questions || (following && rows.length === questions);
  questions = rows.length;
  const scroller = document.querySelector("#hd-chat .bubble-wrap");
  if (following && scroller) {
    const last = rows[rows.length - 1];
    scroller.scrollTop += last.getBoundingClientRect().top - scroller.getBoundingClientRect().top - 8;
  }
}

for (const kind of ["wheel", "touchmove", "keydown", "mousedown"]) {
  document.addEventListener(kind, (event) => {
    if (event.target.closest?.("#hd-chat")) {
      following = false;
    }
  }, { passive: true });
}

// A comment that was sent takes its box away: whoever was in it goes on at the question.
let commenting = false;

document.addEventListener("focusin", (event) => {
  commenting = Boolean(event.target.closest?.("#hd-comment"));
});

function goOnFromComment() {
  if (commenting && !document.querySelector("#hd-comment")?.offsetParent) {
    commenting = false;
    document.querySelector("#hd-question textarea")?.focus();
  }
}

new MutationObserver(() => {
  inVietnamese();
  goOnFromComment();
  keepQuestionInSight();
}).observe(document.documentElement, { attributeFilter: ["aria-label", "lang"], childList: true, subtree: true });
