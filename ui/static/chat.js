// What the chat page needs beside Gradio: copying an answer as text, and names for a screen reader.
"use strict";

function answerText(answer) {
  const lines = [];
  for (const block of answer.querySelectorAll(":scope > p:not([class]), :scope > ul > li")) {
    lines.push((block.tagName === "LI" ? "- " : "") + block.innerText.trim());
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

// Gradio names each message by its source text, HTML and all; without that name the text itself is read.
function mendNames() {
  for (const message of document.querySelectorAll('[data-testid="bot"][aria-label], [data-testid="user"][aria-label]')) {
    message.removeAttribute("aria-label");
  }
  const log = document.querySelector('#hd-chat [role="log"]');
  if (log && log.getAttribute("aria-label") !== "Cuộc trò chuyện") {
    log.setAttribute("aria-label", "Cuộc trò chuyện");
  }
}

new MutationObserver(mendNames).observe(document.documentElement, {
  attributeFilter: ["aria-label"], childList: true, subtree: true,
});
