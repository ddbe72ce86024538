// Keyboard shortcuts; `?` lists them.
"use strict";

(() => {
  const help = document.getElementById("keys");
  let after = "";
  const move = (name, days) => window.clocks[name].step(window.clocks[name].days + days);
  const KEYS = {
    "?": () => help.showModal(),
    "/": () => document.getElementById("filter").focus(),
    "[": () => move("as_of", -1), "]": () => move("as_of", 1),
    "{": () => move("known_at", -1), "}": () => move("known_at", 1),
    n: () => page.go(page.changed({ as_of: "", known_at: "", since: "", known_since: "", upto: "" })),
    c: (event) => page.copyPermalink(event),
    r: () => { const link = document.getElementById("record"); if (link) link.click(); },
  };

  document.getElementById("help").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=range]), textarea, select");
    if (event.key === "Enter" && event.ctrlKey && event.target.id === "sql") { event.target.form.requestSubmit(); return; }
    if (event.key === "Escape" && isTyping) { event.target.blur(); return; }
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (after === "g") {
      after = "";
      const link = document.querySelector(`#nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "g") { after = "g"; setTimeout(() => { after = ""; }, 1500); return; }
    const act = Object.prototype.hasOwnProperty.call(KEYS, event.key) ? KEYS[event.key] : null;
    if (act) { event.preventDefault(); act(event); }
  });
})();
