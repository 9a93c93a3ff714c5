// Tables: sorting by a heading, and a hint where a table is wider than the page.
"use strict";
const number = (text) => { const n = parseFloat(text); return Number.isNaN(n) ? null : n; };

/** Which end of a column is the better one; names, which stand first, have none. */
function betterOf(heading) {
  if (heading.cellIndex === 0) return "name";
  return heading.textContent.includes("\u2193") ? "less" : "more";
}

/** The next order of a column: the better end first, then the other one, then as it was given. */
function nextOrder(heading) {
  const first = betterOf(heading) === "more" ? "descending" : "ascending";
  const second = first === "ascending" ? "descending" : "ascending";
  const now = heading.getAttribute("aria-sort");
  if (now === null) return first;
  return now === first ? second : null;
}

function markOrder(row, heading, order) {
  for (const other of row.cells) other.removeAttribute("aria-sort");
  if (order) heading.setAttribute("aria-sort", order);
}

function sortTable(table, column, heading, given) {
  const order = nextOrder(heading);
  const direction = order === "descending" ? -1 : 1;
  const cell = (row) => row.cells[column].textContent.trim();
  const rows = [...given];
  if (order) {
    rows.sort((a, b) => {
      if (betterOf(heading) === "name") return direction * cell(a).localeCompare(cell(b));
      const x = number(cell(a)), y = number(cell(b));
      if (x === null || y === null) return (x === null) - (y === null); // undefined ones last
      return direction * (x - y);
    });
  }
  table.tBodies[0].append(...rows);
  markOrder(table.tHead.rows[0], heading, order);
}

for (const table of document.querySelectorAll("table.sortable")) {
  const given = Array.from(table.tBodies[0].rows);
  Array.from(table.tHead.rows[0].cells).forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click",
      () => sortTable(table, column, heading, given));
  });
}

/** Where a table goes on beyond the edge, say so, until its end is seen. */
function watchEdges(box) {
  const look = () => box.classList.toggle("more",
    box.scrollWidth - box.clientWidth - box.scrollLeft > 2);
  box.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(box);
  look();
}
document.querySelectorAll(".scroll").forEach(watchEdges);
