// The demonstration's own script: its search box asks the widget, as any page may.
"use strict";
document.querySelector("#ask").addEventListener("submit", (event) => {
  event.preventDefault();
  window.hoidap.open(document.querySelector("#question").value);
});
