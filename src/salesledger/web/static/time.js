// The two sliders, as-of and known-at: dragged, typed, or stepped day by day.
"use strict";

(() => {
  const bar = document.getElementById("time");
  const DAY = 86400000;
  const WAIT = 90;
  const first = Date.parse(bar.dataset.first);
  let last = Date.parse(bar.dataset.last);
  const COMPARED = { as_of: "since", known_at: "known_since" };
  const toDate = (days) => new Date(first + days * DAY).toISOString().slice(0, 10);
  const toDays = (text) => Math.round((Date.parse(text) - first) / DAY);

  class Clock {
    constructor(box) {
      this.box = box;
      this.name = box.dataset.name;
      this.range = box.querySelector("input[type=range]");
      this.typed = box.querySelector("input[type=date]");
      this.most = Math.max(1, Math.round((last - first) / DAY));
      this.range.max = this.most;
      this.from = null;
      this.put(this.typed.value);
      this.range.addEventListener("input", () => this.move(Number(this.range.value), "replace"));
      this.range.addEventListener("change", () => { this.from = null; });
      this.typed.addEventListener("change", () => { if (this.typed.value) this.step(toDays(this.typed.value)); });
      box.querySelectorAll(".step").forEach((button) =>
        button.addEventListener("click", () => this.step(this.days + Number(button.dataset.days))));
      box.querySelector(".now").addEventListener("click", () => this.now());
    }

    get days() { return Number(this.range.value); }

    // Puts the slider where a day is, without asking for anything.
    put(text) {
      const days = Math.min(this.most, Math.max(0, toDays(text)));
      this.range.value = days;
      this.typed.value = toDate(days);
      this.range.setAttribute("aria-valuetext", toDate(days));
      this.box.classList.toggle("past", days < this.most);
    }

    step(days) {
      this.from = null;
      this.move(Math.min(this.most, Math.max(0, days)), "push");
      this.from = null;
    }

    now() {
      page.go(page.changed({ [this.name]: "", [COMPARED[this.name]]: "", upto: "" }));
    }

    move(days, how) {
      const before = page.main.querySelector(".where");
      if (this.from === null && before) this.from = this.name === "as_of" ? before.dataset.asOf : before.dataset.knownAt;
      const day = toDate(days);
      this.put(day);
      const from = this.from === day ? "" : this.from;
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => page.go(page.changed({
        [this.name]: days >= this.most ? "" : day, [COMPARED[this.name]]: from, upto: "",
      }), how), how === "push" ? 0 : WAIT);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const clocks = Object.fromEntries([...bar.querySelectorAll(".clock")].map((box) => [box.dataset.name, new Clock(box)]));
    window.clocks = clocks;
    document.addEventListener("shown", () => {
      const where = page.main.querySelector(".where");
      if (!where) return;
      clocks.as_of.put(where.dataset.asOf);
      clocks.known_at.put(where.dataset.knownAt);
    });
  });
})();
