// Records from the page: what a form holds is sent to the API's command, first as a preview if wanted.
"use strict";

(() => {
  let key = null;

  function valuesOf(form) {
    const values = {};
    for (const field of form.elements) {
      if (!field.name) continue;
      if (field.dataset.kind === "flag") { if (field.checked) values[field.name] = true; continue; }
      if (field.dataset.kind === "many") {
        const lines = field.value.split("\n").map((line) => line.trim()).filter(Boolean);
        if (lines.length) values[field.name] = lines;
        continue;
      }
      if (field.value.trim()) values[field.name] = field.value.trim();
    }
    return values;
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function show(...nodes) { document.getElementById("outcome").replaceChildren(...nodes); }

  function tableOf(entries) {
    const box = element("div", undefined, "scroll");
    const table = element("table");
    const names = [...new Set(entries.flatMap(Object.keys))].filter((name) => !["already_recorded", "known_at", "key"].includes(name));
    const head = table.createTHead().insertRow();
    names.forEach((name) => head.append(element("th", name.replaceAll("_", " "))));
    const body = table.createTBody();
    for (const entry of entries) {
      const row = body.insertRow();
      names.forEach((name) => {
        const value = entry[name];
        row.insertCell().textContent = value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : value;
      });
    }
    box.append(table);
    return box;
  }

  async function send(form, isTried) {
    if (!form.reportValidity()) return;
    const values = valuesOf(form);
    key = key || crypto.randomUUID();
    if (isTried) values.dry_run = true; else values.key = key;
    const buttons = form.querySelectorAll("button");
    buttons.forEach((button) => { button.disabled = true; });
    try {
      const answer = await fetch(form.dataset.command, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values),
      });
      const told = await answer.json();
      if (!answer.ok) { show(element("p", told.error, "problem")); return; }
      const notes = (told.notes || []).map((note) => element("p", note, "muted"));
      if (isTried) { show(element("h2", "What would be appended"), tableOf(told.entries || []), ...notes); return; }
      key = null;
      const entries = told.entries || [];
      const deal = entries.find((entry) => entry.stream === "deal");
      const link = element("a", deal ? deal.id : "The log", "recorded");
      link.href = deal ? `/deals/${encodeURIComponent(deal.id)}` : "/log";
      const line = element("p", "");
      line.append(link);
      form.classList.add("done");
      show(element("h2", "Recorded"), tableOf(entries), ...notes, line);
      page.say(`Recorded: ${entries.map((entry) => `entry ${entry.entry}`).join(", ") || "done"}.`);
    } catch (problem) {
      show(element("p", "The server can't be reached. Whether it was recorded isn't known: try again, it is recorded once only.", "problem"));
    } finally {
      buttons.forEach((button) => { button.disabled = false; });
    }
  }

  // This device's own time with its offset, which a ledger elsewhere understands.
  function deviceNow() {
    const now = new Date();
    const local = new Date(now.getTime() - now.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
    const away = -now.getTimezoneOffset();
    const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
    return `${local}${away < 0 ? "-" : "+"}${two(away / 60)}:${two(away % 60)}`;
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form.recording")) return;
    event.preventDefault();
    send(event.target, false);
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches("form.recording .preview")) send(event.target.form, true);
    if (event.target.matches("form.recording .device-now")) document.getElementById("field-on").value = deviceNow();
  });
  document.addEventListener("input", (event) => { if (event.target.closest("form.recording")) key = null; });
  function tellDevice() {
    const place = document.querySelector("form.recording .device");
    if (place) place.textContent = `; this device's: ${deviceNow().replace("T", " ").slice(0, 16)}`;
  }
  document.addEventListener("shown", tellDevice);
  document.addEventListener("DOMContentLoaded", tellDevice);
})();
