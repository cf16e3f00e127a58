"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const body = document.querySelector("#clips tbody");
  const rows = Array.from(body.rows);
  const heads = Array.from(document.querySelectorAll("#clips th[aria-sort]"));

  function filter() {
    const text = $("text").value.trim().toLowerCase(), label = $("label").value, warned = $("warned").checked;
    let shown = 0;
    for (const row of rows) {
      const { name, label: own, warnings } = row.dataset;
      row.hidden = !name.toLowerCase().includes(text) || (label && own !== label) || (warned && !+warnings);
      shown += !row.hidden;
    }
    $("count").textContent = `${shown} of ${rows.length} shown`;
  }

  // What is empty goes last, whichever way it is sorted.
  function sort(head) {
    const at = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    const number = head.classList.contains("number");
    const value = (row) => row.cells[at].dataset.value;
    const compare = (a, b) => (number ? a - b : a.localeCompare(b, undefined, { numeric: true }));
    rows.sort((a, b) => {
      const one = value(a), other = value(b);
      if (one === "" || other === "") return (one === "") - (other === "");
      return (down ? -1 : 1) * compare(one, other);
    });
    body.append(...rows);
    heads.forEach((h) => h.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  }

  heads.forEach((head) => head.querySelector("button").addEventListener("click", () => sort(head)));
  for (const id of ["text", "label", "warned"]) $(id).addEventListener("input", filter);
  filter();
  document.documentElement.dataset.ready = "yes";
})();
