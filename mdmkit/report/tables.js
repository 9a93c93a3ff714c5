"use strict";
// A heading sorts its table: names from A to Z, numbers from the largest, "-" last.
(() => {
  const number = (text) => { const n = parseFloat(text); return Number.isNaN(n) ? null : n; };

  function sortTable(table, column, heading) {
    const falling = heading.getAttribute("aria-sort") !== "descending" && column > 0;
    const rising = column === 0 && heading.getAttribute("aria-sort") === "ascending";
    const direction = falling || rising ? -1 : 1;
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    const cell = (row) => row.cells[column].textContent.trim();
    rows.sort((a, b) => {
      if (column === 0) return direction * cell(a).localeCompare(cell(b));
      const x = number(cell(a)), y = number(cell(b));
      if (x === null || y === null) return (x === null) - (y === null); // undefined ones last
      return direction * (x - y);
    });
    body.append(...rows);
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction < 0 ? "descending" : "ascending");
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    Array.from(table.tHead.rows[0].cells).forEach((heading, column) => {
      heading.querySelector("button").addEventListener("click", () => sortTable(table, column, heading));
    });
  }
})();
