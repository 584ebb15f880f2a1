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

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
function base85(text) { // RFC 1924: five digits are four bytes
  const value = new Uint8Array(128);
  [...DIGITS].forEach((digit, i) => { value[digit.charCodeAt(0)] = i; });
  const missing = (5 - text.length % 5) % 5, bytes = new Uint8Array((text.length + missing) / 5 * 4);
  for (let i = 0, at = 0; i < text.length; i += 5, at += 4) {
    let number = 0;
    for (let k = 0; k < 5; k++) number = number * 85 + (i + k < text.length ? value[text.charCodeAt(i + k)] : 84);
    for (let k = 3; k >= 0; k--, number = Math.floor(number / 256)) bytes[at + k] = number % 256;
  }
  return bytes.subarray(0, bytes.length - missing);
}
async function unpacked(element) {
  const stream = new Blob([base85(element.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}
async function drawFigures() {
  const plotly = document.getElementById("plotly");
  if (!plotly) return;
  const script = document.createElement("script");
  script.textContent = await unpacked(plotly);
  document.head.append(script);
  for (const figure of document.querySelectorAll("script[data-figure]")) {
    const { data, layout, config } = JSON.parse(await unpacked(figure));
    Plotly.newPlot(figure.dataset.figure, data, layout, config);
  }
}
drawFigures().catch(error =>
  document.querySelectorAll(".plotly-graph-div").forEach(place => {
    place.textContent = `${document.getElementById("plotly").dataset.tooOld} (${error.message})`;
  }));
