for (const table of document.querySelectorAll("table.sortable"))
  for (const [column, head] of table.querySelectorAll("thead th").entries())
    head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
      table.querySelectorAll("th[aria-sort]").forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up > 0 ? "ascending" : "descending");
      const key = row => row.cells[column].dataset.value || row.cells[column].textContent;
      const number = row => { const x = parseFloat(key(row)); return isNaN(x) ? -Infinity : x; };
      const words = (a, b) => key(a).localeCompare(key(b));
      const order = (a, b) => number(a) === number(b) ? words(a, b) : number(a) - number(b);
      const body = table.querySelector("tbody");
      body.append(...[...body.rows].sort((a, b) => up * order(a, b)));
    });
window.addEventListener("beforeprint", () =>
  document.querySelectorAll(".js-plotly-plot").forEach(plot => Plotly.Plots.resize(plot)));
