// Tables of intervals: what `overcast.html.intervals` holds, as it stands at a step or after a draw of the folds.
const PLOT_WIDTH = 160, PLOT_HEIGHT = 22, NEVER = 1e-12;
const MARKERS = { // around (0, 0)
  circle: "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0", diamond: "M0,-6L6,0L0,6L-6,0z", square: "M-5,-5h10v10h-10z",
  x: "M-4,-4L4,4M-4,4L4,-4",
};

const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
const filled = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name]);

function signed(value, digits, plus = "") {
  const text = Math.abs(value).toFixed(digits);
  return `${Number(text) === 0 ? "" : value < 0 ? "−" : plus}${text}`;
}

// As overcast.statistics.simultaneous: a treatment's own variance over the folds, or the pooled one where it is larger.
function estimates({ differences, critical, fixed }, folds, agreeing) {
  const drawn = differences.map(row => folds.map(fold => row[fold]));
  const means = drawn.map(mean), n = folds.length;
  const own = drawn.map((row, c) => row.reduce((sum, value) => sum + (value - means[c]) ** 2, 0) / (n - 1));
  const pooled = mean(own);
  return means.map((middle, c) => {
    const variance = pooled < NEVER ? n * (middle / agreeing) ** 2 : Math.max(own[c], pooled);
    const half = critical * Math.sqrt(variance / n + fixed[c]);
    return [middle, middle - half, middle + half];
  });
}

// As overcast.statistics.verdicts.
function verdict([, low, high], { margin, larger_is_better }) {
  if (!larger_is_better) [low, high] = [-high, -low];
  const inside = -margin < low && high < margin;
  if (low > 0) return inside ? "slightly better" : "better";
  if (high < 0) return inside ? "slightly worse" : "worse";
  return inside ? "equivalent" : "undecided";
}

// What a column's axis shows: the margin and all intervals, and so much more on both sides.
function axis({ margin }, intervals, room) {
  const ends = [-margin, margin, ...intervals.filter(Boolean).flat()];
  const low = Math.min(...ends), high = Math.max(...ends), more = room * (high - low);
  const scale = PLOT_WIDTH / (high - low + 2 * more);
  return { low: low - more, high: high + more, x: value => scale * (value - low + more) };
}

const svg = inner => `<svg width="${PLOT_WIDTH}" height="${PLOT_HEIGHT}" aria-hidden="true">${inner}</svg>`;

function ticks({ low, high, x }) {
  const least = (high - low) / 4, power = 10 ** Math.floor(Math.log10(least));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= least);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  let inner = "";
  for (let i = Math.ceil(low / step); i * step <= high; i++)
    if (x(i * step) > 12 && x(i * step) < PLOT_WIDTH - 12)
      inner += `<text x="${x(i * step)}" y="16" text-anchor="middle">${signed(i * step, digits)}</text>`;
  return svg(inner);
}

function picture({ margin }, { x }, [middle, low, high], [colour, marker]) {
  const [shape, open] = marker.split("-"), fill = open ? "#fff" : colour, y = PLOT_HEIGHT / 2;
  return svg(
    `<rect class="margin" x="${x(-margin)}" width="${x(margin) - x(-margin)}" height="${PLOT_HEIGHT}"/>` +
    `<path class="zero" d="M${x(0)},0v${PLOT_HEIGHT}"/>` +
    `<path d="M${x(low)},${y}H${x(high)}" stroke="${colour}" stroke-width="3"/>` +
    `<path d="${MARKERS[shape]}" transform="translate(${x(middle)} ${y})" stroke="${colour}" stroke-width="2"` +
    ` fill="${fill}"/>`);
}

function lines(cell, text, ...details) {
  const below = details.filter(Boolean).map(detail =>
    Object.assign(document.createElement("span"), { className: "detail", textContent: detail }));
  cell.replaceChildren(text, ...below);
}

// The interval itself, its numbers below it, and in the cell beside it a verdict and what is told of that.
function showInterval(data, cells, column, axis, interval, found, judged, details) {
  const { digits, names } = data.columns[column], [plot, words] = [cells[2 * column], cells[2 * column + 1]];
  plot.innerHTML = interval ? picture(data.columns[column], axis, interval, data.styles[found]) : "";
  const [middle, low, high] = interval || [];
  const numbers = interval ? `${signed(middle, digits, "+")} [${signed(low, digits)}, ${signed(high, digits)}]` : "–";
  plot.insertAdjacentHTML("beforeend", `<span class="detail">${numbers}</span>`);
  words.className = /better|worse/.exec(judged)?.[0] ?? "";
  lines(words, names[judged], ...details);
}

function showAxes(place, axes) {
  axes.forEach((axis, column) => { place.querySelectorAll("th.axis")[column].innerHTML += ticks(axis); });
}

function slide(place, data) {
  const slider = place.querySelector("input"), rows = place.querySelectorAll("tbody tr");
  const axes = data.columns.map((column, j) =>
    axis(column, data.steps.flatMap(step => step.intervals.map(row => row[j])), 0.04));
  const show = () => {
    const step = data.steps[slider.value];
    place.querySelector("output").textContent = step.title;
    slider.setAttribute("aria-valuetext", step.title);
    rows.forEach((row, i) => {
      const cells = row.querySelectorAll("td");
      step.intervals[i].forEach((interval, j) => {
        const found = step.verdicts[i][j];
        showInterval(data, cells, j, axes[j], interval, found, found, []);
      });
      row.querySelector(".note").textContent = step.notes[i];
    });
  };
  showAxes(place, axes);
  slider.addEventListener("input", show);
  show();
}

function drawAgain(place, data) {
  const rows = place.querySelectorAll("tbody tr"), all = Object.keys(data.groups[0][0].differences[0]).map(Number);
  const judge = folds => data.groups.flatMap(group => {
    const columns = group.map(column => estimates(column, folds, data.agreeing));
    return columns[0].map((_, c) => columns.map((column, j) => ({
      interval: column[c], found: verdict(column[c], data.columns[j]),
    })));
  });
  const own = judge(all);
  const axes = data.columns.map((column, j) => axis(column, own.map(row => row[j].interval), 0.25));
  let draws, counts;
  const share = (i, j) => (counts[i][j][own[i][j].found] ?? 0) / draws;
  const flips = (i, j) => Object.entries(counts[i][j]).filter(([found]) => found !== own[i][j].found)
    .sort(([, a], [, b]) => b - a).map(([found, many]) => `${data.columns[j].names[found]} ${many}`);
  const show = (judged, folds) => {
    rows.forEach((row, i) => judged[i].forEach(({ interval, found }, j) => {
      const held = draws && filled(data.texts.held, { held: counts[i][j][own[i][j].found] ?? 0, draws });
      const details = draws ? [held, ...flips(i, j)] : [];
      showInterval(data, row.querySelectorAll("td"), j, axes[j], interval, found, own[i][j].found, details);
    }));
    const steady = own.flatMap((row, i) => row.filter((_, j) => draws && share(i, j) >= 0.95)).length;
    const many = own.length * data.columns.length, drawn = [...folds].sort((a, b) => a - b).map(fold => data.folds[fold]).join(", ");
    place.querySelector("output").textContent = draws
      ? `${filled(data.texts.drawn, { draws, folds: drawn })} ${filled(data.texts.steady, { steady, many })}`
      : data.texts.untouched;
  };
  const reset = () => {
    draws = 0;
    counts = own.map(row => row.map(() => ({})));
    show(own, all);
  };
  const draw = times => {
    let folds, judged;
    for (let i = 0; i < times; i++) {
      folds = all.map(() => Math.floor(Math.random() * all.length));
      judged = judge(folds);
      judged.forEach((row, i) => row.forEach(({ found }, j) => { counts[i][j][found] = (counts[i][j][found] ?? 0) + 1; }));
    }
    draws += times;
    show(judged, folds);
  };
  showAxes(place, axes);
  for (const button of place.querySelectorAll("button"))
    button.addEventListener("click", () => Number(button.value) ? draw(Number(button.value)) : reset());
  reset();
}

for (const place of document.querySelectorAll(".intervals")) {
  const data = JSON.parse(place.querySelector("script").textContent);
  (data.steps ? slide : drawAgain)(place, data);
}
