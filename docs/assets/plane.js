// A plane with points of two classes, painted on a canvas: what a classifier makes of every place in it.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const GRID = 64, SIZE = 480, CELL = SIZE / GRID; // places a side, dots a side

  course.canvas = () => course.element("canvas", { width: SIZE, height: SIZE, role: "img" });

  // `logit(x, y)` is the log-odds of class 1; the plane reaches from −reach to reach. Stronger colour: more certain;
  // the line in the text's colour: undecided.
  course.paintPlane = (canvas, logit, points, reach) => {
    const context = canvas.getContext("2d"), style = getComputedStyle(canvas);
    const colour = name => style.getPropertyValue(name).trim();
    const [first, second, ground, ink] = ["--play-class0", "--play-class1", "--play-ground", "--play-ink"].map(colour);
    const place = cell => reach * (2 * (cell + 0.5) / GRID - 1), cells = [...Array(GRID).keys()];
    const values = cells.map(row => cells.map(column => logit(place(column), -place(row))));
    context.fillStyle = ground;
    context.fillRect(0, 0, SIZE, SIZE);
    context.drawImage(shades(values, first, second), 0, 0, SIZE, SIZE);
    strokeBorder(context, values, ink);
    for (const { x, y, label } of points) {
      const [column, row] = [SIZE * (x / reach + 1) / 2, SIZE * (1 - y / reach) / 2];
      paintPoint(context, column, row, label, label ? second : first, ground);
    }
  };

  // A dot a place; drawn larger, the browser smooths it.
  function shades(values, first, second) {
    const small = Object.assign(document.createElement("canvas"), { width: GRID, height: GRID });
    const context = small.getContext("2d");
    values.forEach((line, row) => line.forEach((value, column) => {
      context.fillStyle = value > 0 ? second : first;
      context.globalAlpha = 0.1 + 0.5 * Math.abs(Math.tanh(value / 2));
      context.fillRect(column, row, 1, 1);
    }));
    return small;
  }

  // Where the log-odds are 0: between four neighbouring places, from edge to edge (marching squares).
  function strokeBorder(context, values, ink) {
    context.beginPath();
    for (let row = 0; row + 1 < GRID; row++)
      for (let column = 0; column + 1 < GRID; column++) {
        const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
        const crossings = corners.flatMap(([x, y], index) => {
          const [otherX, otherY] = corners[(index + 1) % 4], value = values[y][x], other = values[otherY][otherX];
          if (value > 0 === other > 0) return [];
          const share = value / (value - other);
          return [[CELL * (x + share * (otherX - x) + 0.5), CELL * (y + share * (otherY - y) + 0.5)]];
        });
        crossings.forEach(([x, y], index) => (index % 2 ? context.lineTo(x, y) : context.moveTo(x, y)));
      }
    context.strokeStyle = ink;
    context.lineWidth = 4;
    context.stroke();
  }

  // Class 0 is a disc, class 1 a square.
  function paintPoint(context, x, y, label, fill, edge) {
    context.beginPath();
    if (label) context.rect(x - 6, y - 6, 12, 12);
    else context.arc(x, y, 7, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.strokeStyle = edge;
    context.lineWidth = 2;
    context.fill();
    context.stroke();
  }
})();
