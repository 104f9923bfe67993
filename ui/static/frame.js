// The chat page as the widget's frame: what passes between it and the page that carries it.
// Only the page that holds this frame is heard, and only if it is ours or of an allowed origin; it alone is told anything.
"use strict";
(() => {
  const origins = [location.origin, ...document.querySelector("meta[name=hoidap-origins]").content.split(" ")];
  let host = ""; // the origin of the page that has said hello
  let token = "";
  let question = "";
  let isReady = false;
  let isClosed = false;
  let isStopping = false;

  const element = (query) => document.querySelector(query);
  const box = () => element("#hd-question textarea");

  function tell(message) {
    window.parent.postMessage({ hoidap: message }, host);
  }

  function fill(field, text) {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // What waits for the page, or for the server, happens as soon as it can.
  function goOn() {
    if (!host || !box() || !element("#hd-token textarea")) {
      return;
    }
    if (!isReady) {
      isReady = true;
      fill(element("#hd-token textarea"), token);
      tell("ready");
    }
    const isAnswering = document.body.classList.contains("hd-answering"); // as chat.js has just told
    if (isAnswering && isClosed && !isStopping) {
      element("#hd-stop").click();
    } else if (!isAnswering && !isClosed && question && element("#hd-send")) {
      fill(box(), question);
      question = "";
      setTimeout(() => element("#hd-send")?.click());
    }
    isStopping = isAnswering && isClosed;
  }

  window.addEventListener("message", (event) => {
    if (window.parent === window || event.source !== window.parent || !origins.includes(event.origin)) {
      return;
    }
    const { hoidap: kind, ...told } = Object(event.data);
    if (kind === "hello") {
      host = event.origin;
      token = String(told.token);
      isReady = false;
    } else if (kind === "open") {
      isClosed = false;
      question = String(told.question);
      if (told.focus) {
        box()?.focus();
      }
    } else if (kind === "close") {
      isClosed = true;
      question = "";
    } else if (kind === "last") {
      [...document.querySelectorAll("a[href], button:not([disabled]), textarea")].filter((each) => each.getClientRects().length).pop()?.focus();
    }
    goOn();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && host && !event.defaultPrevented) {
      tell("close");
    }
  });
  new MutationObserver(goOn).observe(document.documentElement, { childList: true, subtree: true });
})();
