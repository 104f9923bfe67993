// The widget: a floating button, and behind it the chat page in a frame. docs/widget.md tells how to use it.
// It lives in other people's pages: everything is in a shadow root, nothing needs an inline style or innerHTML, and
// until the first click nothing is loaded but this script.
"use strict";
(() => {
  const script = document.currentScript;
  if (!script || window.hoidap) {
    return;
  }
  const options = script.dataset;
  const home = new URL(".", script.src);
  const WORDS = {
    vi: {
      title: "Hỏi đáp", open: "Mở hỏi đáp", close: "Đóng hỏi đáp", page: "Mở trang hỏi đáp trong thẻ mới", wait: "Đang mở…",
      failed: "Chưa mở được hỏi đáp ở đây. Bạn hãy thử trang hỏi đáp trong thẻ mới, hoặc báo quản trị viên.",
    },
    en: {
      title: "Ask", open: "Open the assistant", close: "Close the assistant", page: "Open in a new tab", wait: "Opening…",
      failed: "The assistant could not be opened here. Try it in a new tab, or tell your administrator.",
    },
  };
  const lang = options.lang === "en" ? "en" : "vi";
  const words = WORDS[lang];
  const title = options.title || words.title;
  const color = CSS.supports("color", options.color || "") ? options.color : "#0f766e";
  const PATIENCE = 20_000; // milliseconds until a frame that does not answer is given up

  const STYLE = `
    :host { all: initial; color-scheme: ${{ light: "light", dark: "dark" }[options.theme] || "light dark"}; }
    * { box-sizing: border-box; font: 400 1rem/1.5 system-ui, sans-serif; }
    button, a { display: grid; place-items: center; flex: none; padding: 0; border: 0; background: none; color: inherit; cursor: pointer; }
    svg { width: 1.4rem; height: 1.4rem; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    :is(button, a):focus-visible { outline: 3px solid currentColor; outline-offset: -6px; }
    .launcher { position: fixed; z-index: 2147483000; bottom: 1.25rem; ${options.position === "left" ? "left" : "right"}: 1.25rem;
      width: 3.5rem; height: 3.5rem; border-radius: 50%; background: ${color}; color: var(--ink); box-shadow: 0 4px 16px rgb(0 0 0 / .3); }
    .launcher svg { width: 1.7rem; height: 1.7rem; }
    .panel { position: fixed; z-index: 2147483001; bottom: 1.25rem; ${options.position === "left" ? "left" : "right"}: 1.25rem;
      display: flex; flex-direction: column; width: min(27rem, 100vw - 2.5rem); height: min(44rem, 100vh - 2.5rem);
      border-radius: 1rem; overflow: hidden; box-shadow: 0 8px 40px rgb(0 0 0 / .35);
      background: #f8fafc; color: #1e293b; background: light-dark(#f8fafc, #0f172a); color: light-dark(#1e293b, #e2e8f0); }
    header { display: flex; align-items: center; padding: .25rem .25rem .25rem 1rem; background: ${color}; color: var(--ink); }
    h2 { flex: 1; margin: 0; font-weight: 700; font-size: 1.05rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    header :is(button, a) { width: 2.75rem; height: 2.75rem; border-radius: .75rem; }
    p { margin: auto; padding: 1.5rem; text-align: center; }
    iframe { flex: 1; border: 0; }
    .hidden { visibility: hidden; }
    .waiting iframe { flex: none; height: 0; visibility: hidden; }
    .panel:not(.waiting) p { display: none; }
    @media (max-width: 30rem) { .panel { inset: 0; width: 100%; height: 100%; border-radius: 0; } }
    @media print { .launcher, .panel { display: none; } }`;

  // What is remembered for this tab. Where the browser allows no storage, it is for this page only.
  const KEY = `hoidap ${home}`;
  let kept = {};
  try {
    kept = JSON.parse(sessionStorage.getItem(KEY)) || {};
  } catch {}
  kept.token ||= Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  function keep() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(kept));
    } catch {}
  }

  function make(name, attributes, ...children) {
    const isDrawing = ["svg", "path"].includes(name);
    const element = isDrawing ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  function icon(path) {
    return make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, make("path", { d: path }));
  }

  const launcher = make("button", { class: "launcher", type: "button", title: words.open, "aria-label": `${words.open}: ${title}`, "aria-expanded": "false" },
    icon("M21 12a8 8 0 0 1-8 8H4l2-3.5A8 8 0 1 1 21 12ZM9 10h7M9 14h4"));
  const closer = make("button", { type: "button", title: words.close, "aria-label": words.close }, icon("M6 6l12 12M18 6L6 18"));
  const link = make("a", { href: home.href, target: "_blank", rel: "noopener", title: words.page, "aria-label": words.page },
    icon("M14 5h5v5M19 5l-8 8M10 6H6a1 1 0 0 0-1 1v11a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1v-4"));
  const notice = make("p", { role: "status" });
  const frame = make("iframe", { title, allow: "clipboard-write" });
  // Whoever tabs over an edge of the panel comes in again at the other one.
  const [before, after] = [make("div", { tabindex: "0" }), make("div", { tabindex: "0" })];
  const panel = make("div", { class: "panel waiting hidden", role: "dialog", "aria-label": title },
    before, make("header", {}, make("h2", {}, title), link, closer), notice, frame, after);
  const host = make("hoidap-widget", { lang });

  let isAsked = false; // for the frame's page
  let isReady = false;
  let untold = [];

  function tell(message) {
    if (isReady) {
      frame.contentWindow.postMessage(message, home.origin);
    } else {
      untold.push(message);
    }
  }

  // The page's context: the chat reads it from its address, as it would from a link.
  function address() {
    const url = new URL("widget", home);
    for (const [name, value] of Object.entries(options)) {
      if (/^filter[A-Z]/.test(name) && value) {
        url.searchParams.set(name.slice("filter".length).toLowerCase(), value);
      }
    }
    if (["light", "dark"].includes(options.theme)) {
      url.searchParams.set("__theme", options.theme);
    }
    return url.href;
  }

  function giveUp() {
    if (!isReady) {
      notice.textContent = words.failed;
      isAsked = false; // the next opening tries again
    }
  }

  function show(question, { focus = true } = {}) {
    if (!isAsked) {
      isAsked = true;
      notice.textContent = words.wait;
      setTimeout(giveUp, PATIENCE);
      frame.src = address();
    }
    panel.classList.remove("hidden");
    launcher.classList.add("hidden");
    launcher.setAttribute("aria-expanded", "true");
    kept.open = true;
    keep();
    if (focus) {
      (isReady ? frame : closer).focus();
    }
    tell({ hoidap: "open", focus, question: question ? String(question) : "" });
  }

  function hide() {
    if (!kept.open) {
      return;
    }
    const hadFocus = host.shadowRoot.activeElement;
    panel.classList.add("hidden");
    launcher.classList.remove("hidden");
    launcher.setAttribute("aria-expanded", "false");
    kept.open = false;
    keep();
    untold = [];
    tell({ hoidap: "close" });
    if (hadFocus) {
      launcher.focus();
    }
  }

  window.addEventListener("message", (event) => {
    if (event.origin !== home.origin || !event.source || event.source !== frame.contentWindow) {
      return;
    }
    if (event.data?.hoidap === "ready") {
      isReady = isAsked = true;
      panel.classList.remove("waiting");
      if (host.shadowRoot.activeElement === closer) {
        frame.focus();
      }
      untold.splice(0).forEach(tell);
    } else if (event.data?.hoidap === "close") {
      hide();
    }
  });
  // A frame that was refused gets no message either: this names the origin that it must have.
  frame.addEventListener("load", () => {
    if (frame.src) {
      frame.contentWindow.postMessage({ hoidap: "hello", token: kept.token }, home.origin);
    }
  });
  launcher.addEventListener("click", () => show());
  closer.addEventListener("click", hide);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      hide();
    }
  });
  before.addEventListener("focus", () => {
    frame.focus();
    tell({ hoidap: "last" });
  });
  after.addEventListener("focus", () => link.focus());

  function begin() {
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    const root = host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    root.append(launcher, panel);
    document.body.append(host);
    // Black or white on the colour, whichever is the easier to read.
    const [red, green, blue] = (getComputedStyle(launcher).backgroundColor.match(/[\d.]+/g) || []).map((part) => (part / 255) ** 2.2);
    host.style.setProperty("--ink", 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000" : "#fff");
    if (kept.open) {
      show("", { focus: false });
    }
  }

  window.hoidap = Object.freeze({ open: (question) => show(question), close: hide });
  if (document.body) {
    begin();
  } else {
    document.addEventListener("DOMContentLoaded", begin);
  }
})();
