"""The script and style of the review page; no text is taken for markup, all goes through `textContent`."""

REVIEW_STYLE = r"""
.row { border-top: 1px solid var(--rule); padding: .4rem 0 1.4rem; content-visibility: auto;
  contain-intrinsic-size: auto 20rem; }
.row h2 { font: 600 1rem var(--sans); border: 0; margin: 1rem 0 .3rem; overflow-wrap: anywhere; }
.row h3 { font: .78rem var(--sans); color: var(--soft); margin-top: .7rem; }
.row .where { color: var(--soft); font-weight: 400; }
.row .state { color: var(--accent); }
.row.rejected .said { opacity: .55; }
.row.rejected .state { color: var(--bad); }
.buttons button, .editor button { font: .84rem var(--sans); color: var(--ink); background: var(--panel);
  border: 1px solid var(--rule); border-radius: 4px; padding: .3rem .8rem; min-height: 2rem;
  margin-right: .6rem; cursor: pointer; }
.buttons [aria-pressed=true] { border-color: var(--bad); color: var(--bad); }
.editor label { display: grid; gap: .2rem; font: .82rem var(--sans); color: var(--soft); margin: .7rem 0; }
.editor textarea, .editor input { width: 100%; font: .86rem/1.55 var(--mono); color: var(--ink);
  background: var(--panel); border: 1px solid var(--rule); border-radius: 4px; padding: .6rem; }
.editor textarea { min-height: 5rem; resize: vertical; }
"""

REVIEW_SCRIPT = r"""
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = data.rows;
  const before = rows.map((row) => Object.assign({}, row));
  const articles = Array.from(document.querySelectorAll("article.row"));
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const texts = { thinking: "Thought", answer: "Answer", note: "Note for the record" };
  const unseen = new RegExp(
    "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b\\u200e\\u200f" +
    "\\u2028-\\u202e\\u2060-\\u2069\\ufeff]", "g");
  let unsaved = false;

  const visible = (text) => text.replace(unseen, (one) =>
    "\u27e8U+" + one.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "\u27e9");
  const edited = (index) => Object.keys(texts).some((key) => rows[index][key] !== before[index][key]);
  const rejected = (index) => rows[index].decision === "reject";

  const stateOf = (index) =>
    [edited(index) ? "edited" : "", rejected(index) ? "rejected" : ""].filter(Boolean).join(", ");

  const tell = () => {
    const shown = articles.filter((article) => !article.hidden).length;
    const total = (test) => rows.filter((_, index) => test(index)).length;
    count.textContent = `${shown} of ${rows.length} shown; ${total(edited)} edited, ` +
      `${total(rejected)} rejected${unsaved ? "; not saved" : ""}`;
  };

  const refresh = (index) => {
    const article = articles[index];
    article.classList.toggle("rejected", rejected(index));
    article.querySelector(".state").textContent = stateOf(index);
    const button = article.querySelector(".reject");
    button.setAttribute("aria-pressed", String(rejected(index)));
    for (const key of ["thinking", "answer"]) {
      if (rows[index][key] !== before[index][key]) {
        article.querySelector("." + key).textContent = visible(rows[index][key]);
      }
    }
    tell();
  };

  const change = (index, key, value) => {
    if (rows[index][key] === value) return;
    rows[index][key] = value;
    unsaved = true;
    refresh(index);
  };

  const fieldOf = (index, key) => {
    const label = document.createElement("label");
    const field = document.createElement(key === "note" ? "input" : "textarea");
    label.append(texts[key], field);
    field.dir = "auto";
    field.name = key;
    field.value = rows[index][key];
    const untouched = field.value;  // a text area has its own idea of line ends
    field.addEventListener("input", () => {
      change(index, key, field.value === untouched ? before[index][key] : field.value);
    });
    return label;
  };

  const edit = (index) => {
    const article = articles[index];
    const editor = article.querySelector(".editor");
    const button = article.querySelector(".edit");
    if (!editor.firstChild) for (const key of Object.keys(texts)) editor.append(fieldOf(index, key));
    editor.hidden = !editor.hidden;
    button.setAttribute("aria-expanded", String(!editor.hidden));
    button.textContent = editor.hidden ? "Edit" : "Close";
    for (const area of editor.querySelectorAll("textarea")) {
      area.style.height = area.scrollHeight + 4 + "px";
    }
    if (editor.hidden) button.focus(); else editor.querySelector("textarea").focus();
  };

  const reject = (index) => change(index, "decision", rejected(index) ? "keep" : "reject");

  const save = () => {
    const lines = rows.map((row) => JSON.stringify(row) + "\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
    link.download = data.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    unsaved = false;
    tell();
  };

  const apply = () => {
    const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const show = form.elements.show.value;
    rows.forEach((row, index) => {
      const all = [row.id, row.question, row.thinking, row.answer].join(" ").toLowerCase();
      const fits = show === "" || (show === "edited" && edited(index)) ||
        (show === "rejected" && rejected(index)) || (show === "untouched" && !stateOf(index));
      articles[index].hidden = !(fits && words.every((word) => all.includes(word)));
    });
    tell();
  };

  const here = () => articles.findIndex((article) => article.contains(document.activeElement));

  const move = (by) => {
    const shown = articles.filter((article) => !article.hidden);
    const at = shown.indexOf(articles[here()]);
    const next = shown[at < 0 ? 0 : Math.min(Math.max(at + by, 0), shown.length - 1)];
    if (next) { next.focus(); next.scrollIntoView({ block: "start" }); }
  };

  articles.forEach((article, index) => {
    article.querySelector(".buttons").hidden = false;
    article.querySelector(".edit").addEventListener("click", () => edit(index));
    article.querySelector(".reject").addEventListener("click", () => reject(index));
  });
  form.hidden = false;
  document.getElementById("keys").hidden = false;
  document.getElementById("save").addEventListener("click", save);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "j") move(1);
    if (event.key === "k") move(-1);
    if (event.key === "s") save();
    if (here() < 0) return;
    if (event.key === "e") { event.preventDefault(); edit(here()); }
    if (event.key === "x") reject(here());
  });
  tell();
})();
"""
