"use strict";
// Before and after: the range says how much of the width shows what was there before.
const show = (range) => {
  range.parentElement.style.setProperty("--cut", range.value + "%");
  range.setAttribute("aria-valuetext", `${range.value} % before, ${100 - range.value} % after`);
};
document.addEventListener("input", (event) => event.target.matches(".stage input") && show(event.target));
document.querySelectorAll(".stage input").forEach(show);
// With very many runs each section waits, deflated, until it is opened.
const unpack = async (section) => {
  const packed = section.querySelector("script[type='text/plain']");
  if (!packed) return;
  packed.remove();
  const bytes = Uint8Array.from(atob(packed.textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  section.insertAdjacentHTML("beforeend", await new Response(stream).text());
};
document.addEventListener("toggle", (event) => event.target.matches(".run") && unpack(event.target), true);
// A link to a run, or to something inside it, opens what it is folded into.
const unfold = () => {
  let target = null;
  try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
  if (!target) return;
  for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  if (target.tagName === "DETAILS") target.querySelector("summary").focus({ preventScroll: true });
  target.scrollIntoView();
};
addEventListener("hashchange", unfold);
if (location.hash) unfold();
// The table of several runs: a filter, and heads that sort.
const form = document.getElementById("filter");
if (form) {
  const body = document.querySelector("#table tbody");
  // A browser lays out two hundred rows at once; the button brings the others.
  const more = document.getElementById("more");
  let limit = more ? Number(more.dataset.limit) : Infinity;
  let rows = [...body.rows].map((row) => ({
    row, text: (row.cells[1].textContent + " " + row.cells[7].textContent).toLowerCase(),
    section: document.getElementById(row.dataset.run),
  }));
  const apply = () => {
    const wanted = Object.fromEntries(["text", "status", "parts", "rounds"].map((name) => [name, form.elements[name].value]));
    const text = wanted.text.trim().toLowerCase();
    let found = 0;
    for (const { row, text: has, section } of rows) {
      const hit = has.includes(text) && ["status", "parts", "rounds"].every((name) => !wanted[name] || row.dataset[name] === wanted[name]);
      found += hit;
      row.hidden = !hit || found > limit;
      if (section) section.hidden = !hit;
    }
    document.getElementById("found").textContent = `${found} of ${rows.length} runs`;
    if (more) more.hidden = found <= limit;
  };
  if (more) more.addEventListener("click", () => { limit = Infinity; apply(); });
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  let last = null, down = false;
  const value = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const number = parseFloat(text.replaceAll(",", ""));
    return column >= 3 && column <= 6 ? (Number.isNaN(number) ? -Infinity : number) : text.toLowerCase();
  };
  for (const button of document.querySelectorAll("#table [data-sort]")) {
    button.addEventListener("click", () => {
      const column = Number(button.dataset.sort);
      down = last === column ? !down : column >= 3 && column <= 6;
      last = column;
      const keyed = rows.map((entry) => [value(entry.row, column), entry]);
      keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1));
      rows = keyed.map(([, entry]) => entry);
      body.append(...rows.map(({ row }) => row));
      apply();
      for (const head of document.querySelectorAll("#table thead th")) head.removeAttribute("aria-sort");
      button.parentElement.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  }
}
