// What the chat page needs beside Gradio: an answer copied as text, the conversation saved as Markdown, keys and
// focus, an answer told to a screen reader, the question kept in sight while its answer grows, and Vietnamese where
// Gradio has English.
"use strict";

const words = (element) => element.textContent.replace(/\s+/g, " ").trim();

// What an answer says, line by line; a notice with what it warns of.
function statements(answer) {
  const said = ":scope > p:not([class]), :scope > ul > li, :scope > .hd-notice > p, :scope > .hd-notice > ul > li";
  return [...answer.querySelectorAll(said)].map((block) => ({
    text: words(block), bullet: block.matches("li:not(.hd-numbered)") ? "- " : "",
  }));
}

function sources(answer) {
  return [...answer.querySelectorAll(".hd-card")].map((card) => {
    const number = words(card.querySelector(".hd-number"));
    const title = words(card.querySelector(".hd-card-title")).slice(number.length).trim();
    const about = [...card.querySelectorAll(".hd-meta")].map(words);
    const link = card.querySelector(".hd-original") || card.querySelector(".hd-open");
    const quote = words(card.querySelector(".hd-used"));
    return { number, about: [title, ...about].join(". "), quote, link: link.href };
  });
}

function answerText(answer) {
  const lines = statements(answer).map(({ text, bullet }) => bullet + text);
  const cited = sources(answer).map(({ number, about, link }) => `[${number}] ${about}. ${link}`);
  return [...lines, ...(cited.length ? ["", "Nguồn trích dẫn:", ...cited] : [])].join("\n");
}

// No sign of a text may act in whatever shows the Markdown: no link, no image, no tag.
const inert = (text) => text.replace(/[\\`*_[\]<>#!|~&]/g, "\\$&").replace(/^(\d*)([-+.)])/, "$1\\$2");

function conversationMarkdown() {
  const parts = [`# Hỏi đáp ngày ${new Date().toLocaleDateString("vi-VN")}`];
  const messages = "#hd-chat :is(.hd-question, .hd-answer, .hd-notice:not(.hd-answer *))";
  for (const message of document.querySelectorAll(messages)) {
    if (message.matches(".hd-question")) {
      const [question, scope] = message.querySelectorAll("p");
      parts.push(`## ${inert(words(question))}`, ...(scope ? [`*${inert(words(scope))}*`] : []));
    } else if (message.matches(".hd-notice")) {
      parts.push(inert(words(message)));
    } else {
      parts.push(...statements(message).map(({ text, bullet }) => bullet + inert(text)));
      for (const { number, about, quote, link } of sources(message)) {
        parts.push(`${inert(`[${number}]`)} ${inert(about)}. <${link}>\n> ${inert(quote)}`);
      }
    }
  }
  return parts.join("\n\n") + "\n";
}

function save(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
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

async function copy(button) {
  const name = button.innerText;
  try {
    await toClipboard(answerText(button.closest(".hd-answer")));
    button.innerText = "Đã sao chép";
  } catch {
    button.innerText = "Trình duyệt không cho sao chép";
  }
  button.focus();
  setTimeout(() => { button.innerText = name; }, 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  if (button?.matches(".hd-copy")) {
    copy(button);
  } else if (button?.matches(".hd-retry")) {
    document.querySelector("#hd-again").click();
  } else if (button?.matches("#hd-save")) {
    save(conversationMarkdown(), `hoi-dap-${new Date().toISOString().slice(0, 10)}.md`);
  } else if (button?.matches("#hd-scope > button")) {
    setTimeout(mendRoles);
  } else if (button?.matches("#hd-everywhere")) {
    history.replaceState(null, "", location.pathname); // so that loading the page again does not bring it back
  }
});

// An answer is being written as long as the last message is one that will grow. The style sheet shows by it which of
// the two buttons there is, and that there is something to save; the server would have to send both each time.
function isAnswering() {
  const replies = document.querySelectorAll("#hd-chat .bot-row");
  return Boolean(replies[replies.length - 1]?.querySelector(".hd-pending, .hd-answer:not(.hd-complete)"));
}

function showButtons() {
  document.body.classList.toggle("hd-answering", isAnswering());
  document.body.classList.toggle("hd-begun", Boolean(document.querySelector("#hd-chat .bot-row")));
}

function stop() {
  if (isAnswering()) {
    document.querySelector("#hd-stop").click();
  }
}

// Esc stops the answer. Enter that ends a word of an input method sends nothing.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    stop();
  } else if (event.key === "Enter" && event.isComposing) {
    event.stopPropagation();
  }
}, { capture: true });

// A screen reader is told the whole answer once, not every piece of it as it grows.
const told = document.createElement("div");
told.className = "hd-told";
told.setAttribute("role", "status");
let wasOpen = false;

function tellAndKeepFocus() {
  const isOpen = isAnswering();
  const replies = document.querySelectorAll("#hd-chat .bot-row");
  const reply = replies[replies.length - 1]?.querySelector(".hd-answer, .hd-notice:not(.hd-pending)");
  const lines = reply?.matches(".hd-answer") ? statements(reply).map(({ text }) => text) : reply ? [words(reply)] : [];
  const telling = isOpen ? "Đang tìm câu trả lời…" : lines.join(" ");
  if (told.textContent !== telling) {
    told.textContent = telling;
  }
  // The button that was pressed has gone; on a phone the box would bring the keyboard up over the answer.
  if (isOpen !== wasOpen && document.activeElement === document.body && matchMedia("(pointer: fine)").matches) {
    document.querySelector("#hd-question textarea")?.focus();
  }
  wasOpen = isOpen;
}

// What Gradio tells a screen reader wrongly or not at all: that its log is read by `told`, that the examples are
// buttons and no list, and whether its accordion is open.
function mendRoles() {
  document.querySelector("#hd-chat [role=log][aria-live=polite]")?.setAttribute("aria-live", "off");
  const examples = document.querySelector("#hd-chat .examples[role=list]");
  examples?.setAttribute("role", "group");
  examples?.setAttribute("aria-label", "Câu hỏi gợi ý");
  const accordion = document.querySelector("#hd-scope > button");
  accordion?.setAttribute("aria-expanded", String(accordion.classList.contains("open")));
}

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

document.addEventListener("DOMContentLoaded", () => document.body.append(told));

new MutationObserver(() => {
  inVietnamese();
  mendRoles();
  goOnFromComment();
  showButtons();
  tellAndKeepFocus();
  keepQuestionInSight();
}).observe(document.documentElement, { attributeFilter: ["aria-label", "lang"], childList: true, subtree: true });
