// Goes from page to page without a reload: the address is always the whole state, and the server makes every part of the page.
"use strict";

(() => {
  const main = document.getElementById("content");
  const said = document.getElementById("said");
  let fetching;
  let fading;

  function say(text) {
    said.textContent = text;
    said.classList.add("shown");
    clearTimeout(fading);
    fading = setTimeout(() => said.classList.remove("shown"), 4000);
  }

  // Shows an address. `how` is what becomes of the browser's history: "push", "replace" or "keep".
  async function go(address, how = "push") {
    const url = new URL(address, location.href);
    if (fetching) fetching.abort();
    fetching = new AbortController();
    const mine = fetching;
    main.classList.add("busy");
    if (how === "push") history.pushState(null, "", url);
    if (how === "replace") history.replaceState(null, "", url);
    try {
      const answer = await fetch(url, { headers: { "X-Part": "main" }, signal: mine.signal });
      const text = await answer.text();
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.assign("/login"); return; }
      const parsed = new DOMParser().parseFromString(text, "text/html");
      const nodes = answer.ok ? [...parsed.body.childNodes] : [...parsed.querySelectorAll("h1, .problem")];
      main.replaceChildren(...nodes);
      settle(url);
      wait();
      fill();
      if (window.charts) await window.charts.drawAll(main);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      say("The server can't be reached.");
    } finally {
      if (fetching === mine) main.classList.remove("busy");
    }
  }

  // Puts what stands around the content where the address says.
  function settle(url) {
    const where = main.querySelector(".where");
    if (where) document.title = where.dataset.title;
    const filters = document.getElementById("filters");
    filters.action = url.pathname;
    for (const name of ["filter", "period", "interval"]) {
      if (document.activeElement !== filters.elements[name]) filters.elements[name].value = url.searchParams.get(name) || "";
    }
    filters.querySelectorAll("input[type=hidden]").forEach((input) => input.remove());
    for (const link of document.querySelectorAll("#nav a")) {
      const target = new URL(link.href);
      const kept = new URLSearchParams();
      for (const name of ["as_of", "known_at", "since", "known_since", "upto", "filter", "period", "interval", "by"]) {
        if (url.searchParams.get(name)) kept.set(name, url.searchParams.get(name));
      }
      target.search = kept.toString();
      link.href = target;
      const isHere = target.pathname === url.pathname || (target.pathname !== "/" && url.pathname.startsWith(`${target.pathname}/`));
      if (isHere) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    }
    document.dispatchEvent(new CustomEvent("shown", { detail: url }));
  }

  // What is still being worked out is looked at again after a while.
  let waiting;
  function wait() {
    clearTimeout(waiting);
    if (main.querySelector(".pending")) waiting = setTimeout(() => go(location.href, "keep"), 2000);
  }

  // Tiles that take a while come after the page, so that the rest is there at once and stays as it is.
  let filling;
  async function fill() {
    clearTimeout(filling);
    const tile = main.querySelector("[data-later]");
    if (!tile) return;
    const answer = await fetch(tile.dataset.later, { headers: { "X-Part": "main" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return; // the tile is a link to it
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".tile");
    if (!tile.isConnected) return;
    if (fresh) tile.replaceWith(fresh); else tile.remove();
    filling = setTimeout(fill, 2000);
  }

  // The address of the present page with some of its state changed; an empty value takes a part away.
  function changed(changes) {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(changes)) {
      if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
    }
    return url;
  }

  window.page = { go, changed, say, main };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || link.target || link.classList.contains("skip") || url.pathname.startsWith("/api/")) return;
    if (link.id === "permalink") { copyPermalink(event); return; }
    event.preventDefault();
    document.getElementById("nav").classList.remove("open");
    go(url).then(() => { if (url.pathname !== location.pathname) return; main.focus({ preventScroll: true }); scrollTo(0, 0); });
  });

  async function copyPermalink(event) {
    if (!navigator.clipboard) return;
    event.preventDefault();
    const url = new URL(document.getElementById("permalink").href);
    await navigator.clipboard.writeText(url.href).then(() => say("Copied: a link that shows this for ever."), () => go(url));
  }
  window.page.copyPermalink = copyPermalink;

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "get") return;
    event.preventDefault();
    const url = form.id === "filters" ? changed({}) : new URL(form.action);
    for (const [name, value] of new FormData(form)) {
      if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
    }
    go(url);
  });
  document.getElementById("interval").addEventListener("change", (event) => event.target.form.requestSubmit());
  document.getElementById("menu").addEventListener("click", (event) => {
    const isOpen = document.getElementById("nav").classList.toggle("open");
    event.target.setAttribute("aria-expanded", String(isOpen));
  });
  addEventListener("popstate", () => go(location.href, "keep"));

  // New entries: shown at once where the page follows the present, told where it doesn't.
  function listen() {
    const source = new EventSource("/live");
    source.addEventListener("entries", (event) => {
      const { last } = JSON.parse(event.data);
      const where = main.querySelector(".where");
      if (where && Number(where.dataset.position) >= last) return;
      const isBusy = main.querySelector("form.recording, dialog[open]");
      say(`Entry ${last} was recorded.`);
      if (where && where.dataset.now && !isBusy) go(location.href, "keep");
    });
  }
  listen();
  wait();
  fill();
  settle(new URL(location.href));
})();
