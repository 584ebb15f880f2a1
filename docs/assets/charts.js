// Pictures of lines and bars in SVG. The colours are those of the classes in course.css; a series has its own dash or
// mark too.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const WIDTH = 300, HEIGHT = 200, LEFT = 50, RIGHT = 10, TOP = 14, BOTTOM = 38, LETTER = 6, SLANTED = 20;
  const MARKS = { // around (0, 0)
    circle: "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z", square: "M-4,-4h8v8h-8z", diamond: "M0,-5.5L5.5,0L0,5.5L-5.5,0z",
  };
  const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

  const escape = text => String(text).replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`);
  const power = exponent => `10${[...String(exponent)].map(sign => SUPERSCRIPT[sign]).join("")}`;

  // 0.021, or 2.1·10⁻⁷ where zeros would have to be counted.
  course.short = (value, digits = 2) => {
    const size = Math.abs(value);
    if (!Number.isFinite(value)) return "–";
    if (value === 0 || (size >= 0.001 && size < 1000)) return String(Number(value.toPrecision(digits)));
    const [factor, exponent] = value.toExponential(digits - 1).split("e");
    return `${factor}·${power(Number(exponent))}`;
  };

  // Round places on an axis, from one below `low` to one above `high`.
  function ticks(low, high, count = 4) {
    const least = (high - low || Math.abs(high) || 1) / count, unit = 10 ** Math.floor(Math.log10(least));
    const step = unit * [1, 2, 5, 10].find(factor => factor * unit >= least * (1 - 1e-9));
    const from = Math.floor(low / step + 1e-9), until = Math.ceil(high / step - 1e-9);
    return Array.from({ length: until - from + 1 }, (_, index) => Number(((from + index) * step).toPrecision(12)));
  }

  // An axis: where a value lies, and what is written at which places. Accuracies are shares, written in percent.
  course.shares = values => {
    const places = ticks(Math.min(...values), Math.max(...values));
    const write = value => String(Number((100 * value).toFixed(1)));
    return { low: places[0], high: places.at(-1), ticks: places, write };
  };
  course.numbers = (low, high) => {
    const places = ticks(low, high);
    return { low: places[0], high: places.at(-1), ticks: places, write: String };
  };
  course.steps = last => ({ ...course.numbers(0, Math.max(1, last)), high: Math.max(1, last) });
  course.places = words => { // slanted where there is no room
    const longest = Math.max(...words.map(word => String(word).length)), room = WIDTH - LEFT - RIGHT;
    const slanted = words.length * (longest + 0.5) * LETTER > room, ticks = [...words.keys()];
    return { slanted, low: -0.5, high: words.length - 0.5, ticks, write: index => words[index] };
  };
  course.powers = (low, high) => {
    const from = Math.floor(Math.log10(low)), until = Math.max(from + 1, Math.ceil(Math.log10(high)));
    const every = Math.ceil((until - from) / 5);
    const places = Array.from({ length: until - from + 1 }, (_, index) => from + index);
    return { low: from, high: until, ticks: places.filter(place => (until - place) % every === 0), write: power };
  };

  const across = axis => value => LEFT + (WIDTH - LEFT - RIGHT) * (value - axis.low) / (axis.high - axis.low);
  const down = axis => value => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - axis.low) / (axis.high - axis.low);

  // The picture around its inner part: grid, ticks, names of the axes. Read aloud as `text`.
  function framed(x, y, text, inner) {
    const [toX, toY] = [across(x), down(y)], middle = (TOP + HEIGHT - BOTTOM) / 2;
    const rows = y.ticks.map(tick => `<path class="grid" d="M${LEFT},${toY(tick)}H${WIDTH - RIGHT}"/>` +
      `<text x="${LEFT - 5}" y="${toY(tick) + 4}" text-anchor="end">${escape(y.write(tick))}</text>`);
    const columns = x.ticks.filter(tick => tick <= x.high).map(tick => {
      const place = x.slanted ? `transform="translate(${toX(tick) + 4} ${HEIGHT - BOTTOM + 14}) rotate(-35)" text-anchor="end"`
        : `x="${toX(tick)}" y="${HEIGHT - BOTTOM + 15}" text-anchor="middle"`;
      return `<text ${place}>${escape(x.write(tick))}</text>`;
    });
    const height = HEIGHT + (x.slanted ? SLANTED : 0);
    return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(text)}">` +
      rows.join("") + columns.join("") +
      `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 5}" text-anchor="middle">${escape(x.name)}</text>` +
      `<text transform="translate(12 ${middle}) rotate(-90)" text-anchor="middle">${escape(y.name)}</text>${inner}` +
      `<path class="axis" d="M${LEFT},${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}"/></svg>`;
  }

  const defined = points => points.filter(([, value]) => Number.isFinite(value));
  const pathOf = (points, toX, toY) => defined(points).map(([x, y], index) =>
    `${index ? "L" : "M"}${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join("");

  // A series: `kind` names its look; `thin` are lines of [x, y], `line` is the thick one, `mark` the shape at its
  // points, `bars` are [x, low, high]. `marked` is a place on the x axis to point out.
  course.lineChart = ({ x, y, series, marked, text }) => {
    const [toX, toY] = [across(x), down(y)];
    const point = marked === undefined ? "" :
      `<path class="marked" d="M${toX(marked)},${TOP}V${HEIGHT - BOTTOM}"/>`;
    const drawn = series.map(({ kind, thin = [], line = [], mark, bars = [] }) => `<g class="series ${kind}">` +
      thin.map(points => `<path class="thin" d="${pathOf(points, toX, toY)}"/>`).join("") +
      bars.map(([place, low, high]) => `<path class="bar" d="M${toX(place)},${toY(low)}V${toY(high)}"/>`).join("") +
      `<path class="line" d="${pathOf(line, toX, toY)}"/>` +
      (mark ? defined(line).map(([px, py]) => `<path class="mark${px === marked ? " chosen" : ""}" d="${MARKS[mark]}"` +
        ` transform="translate(${toX(px)} ${toY(py)})"/>`).join("") : "") + "</g>");
    return framed(x, y, text, point + drawn.join(""));
  };

  // A bar a value on a scale of powers of ten; its number stands above it where there is room.
  course.barChart = ({ values, names, x, y, text }) => {
    const toX = across({ low: -0.5, high: values.length - 0.5 }), toY = down(y);
    const width = Math.min(40, 0.7 * (toX(1) - toX(0)));
    const bars = values.map((value, index) => {
      const top = toY(Math.min(y.high, Math.max(y.low, value > 0 ? Math.log10(value) : y.low)));
      const number = values.length > 7 ? "" :
        `<text x="${toX(index)}" y="${top - 4}" text-anchor="middle">${escape(course.short(value, 1))}</text>`;
      const bottom = HEIGHT - BOTTOM;
      return `<path class="column" d="M${toX(index) - width / 2},${bottom}V${top}h${width}V${bottom}z"/>${number}`;
    });
    return framed({ ...course.places(names), name: x }, y, text, bars.join(""));
  };

  // A figure with its caption and, for series, what each line is: [kind, words, mark].
  course.figure = (title, series = []) => {
    const key = ([kind, words, mark]) => `<li class="series ${kind}"><svg viewBox="0 0 34 12" aria-hidden="true">` +
      `<path class="line" d="M1,6H33"/><path class="mark" d="${MARKS[mark] ?? ""}" transform="translate(17 6)"/>` +
      `</svg> ${escape(words)}</li>`;
    const picture = course.element("div", { class: "play-picture" });
    const caption = course.element("figcaption", {}, title), legend = course.element("ul", { class: "play-legend" });
    legend.innerHTML = series.map(key).join("");
    const figure = course.element("figure", { class: "play-figure" }, caption, picture);
    if (series.length) figure.append(legend);
    return Object.assign(figure, { draw: svg => { picture.innerHTML = svg; } });
  };

  // Repeats of one curve as thin lines, and their mean as the thick one; a repeat may end earlier than the others.
  course.repeats = (epochs, repeats) => {
    const mean = epochs.map((epoch, index) => {
      const values = repeats.map(repeat => repeat[index]).filter(Number.isFinite);
      return [epoch, values.reduce((sum, value) => sum + value, 0) / values.length];
    });
    const thin = repeats.map(repeat => defined(epochs.map((epoch, index) => [epoch, repeat[index]])));
    return { thin, line: defined(mean) };
  };
  course.last = repeats => {
    const values = repeats.map(repeat => repeat.findLast(Number.isFinite));
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
})();
