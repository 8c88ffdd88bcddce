"""The page's script: it reads figures out under the pointer and filters samples; the page works without it.

It takes no text for markup, and keeps the filter in the address's fragment, so that a view can be linked to.
"""

SCRIPT = r"""
"use strict";
(() => {
  for (const figure of document.querySelectorAll("figure")) {
    const readout = figure.querySelector(".readout");
    if (!readout) continue;
    figure.addEventListener("pointerover", (event) => {
      const hit = event.target.closest && event.target.closest(".hits > g");
      readout.textContent = hit ? hit.querySelector("title").textContent : "";
    });
    figure.addEventListener("pointerleave", () => { readout.textContent = ""; });
  }

  const form = document.getElementById("filters");
  if (!form) return;
  const samples = Array.from(document.querySelectorAll("details.sample"));
  const count = document.getElementById("count");
  const fields = Array.from(form.elements).map((element) => element.name).filter(Boolean);
  const texts = new Map();
  const field = (name) => form.elements.namedItem(name);
  const textOf = (sample) => {
    if (!texts.has(sample)) texts.set(sample, sample.textContent.toLowerCase());
    return texts.get(sample);
  };
  const choices = fields.filter((name) => field(name).tagName === "SELECT");
  const shown = () => samples.filter((sample) => !sample.hidden);

  const apply = () => {
    const words = field("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const from = field("from").value === "" ? -Infinity : Number(field("from").value);
    const to = field("to").value === "" ? Infinity : Number(field("to").value);
    for (const sample of samples) {
      const data = sample.dataset;
      const iteration = Number(data.iteration);
      sample.hidden = !(
        choices.every((name) => !field(name).value || data[name] === field(name).value) &&
        iteration >= from && iteration <= to &&
        words.every((word) => textOf(sample).includes(word))
      );
    }
    count.textContent = `${shown().length} of ${samples.length} shown`;
  };

  const remember = () => {
    const state = new URLSearchParams();
    for (const name of fields) if (field(name).value) state.set(name, field(name).value);
    const text = state.toString();
    try { history.replaceState(null, "", text ? "#" + text : location.pathname); } catch { return; }
  };

  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    if (!fields.some((name) => state.has(name))) return;
    for (const name of fields) field(name).value = state.get(name) || "";
  };

  const move = (by) => {
    const rows = shown();
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
    rows[next].querySelector("summary").focus();
    rows[next].scrollIntoView({ block: "nearest" });
  };

  const toggle = (list) => {
    const open = !list.every((one) => one.open);
    for (const one of list) one.open = open;
  };

  form.hidden = false;
  document.getElementById("keys").hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { apply(); remember(); });
  form.addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
  window.addEventListener("hashchange", () => { recall(); apply(); });
  document.getElementById("open-all").addEventListener("click", () => toggle(shown()));
  document.getElementById("all-thoughts").addEventListener("click", () => {
    toggle(shown().flatMap((sample) => Array.from(sample.querySelectorAll("details.thoughts"))));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "Escape" && typing) event.target.blur();
    if (typing) return;
    if (event.key === "/") { event.preventDefault(); field("q").focus(); }
    if (event.key === "j") move(1);
    if (event.key === "k") move(-1);
    if (event.key === "t") {
      const here = document.activeElement.closest("details.sample");
      if (here) { here.open = true; toggle(Array.from(here.querySelectorAll("details.thoughts"))); }
    }
  });
  recall();
  apply();
})();
"""
