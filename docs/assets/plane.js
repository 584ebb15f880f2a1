// A plane with points of two classes, painted on a canvas: what a classifier makes of every place in it.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const GRID = 80, SIZE = 480; // cells and dots a side

  course.canvas = () => course.element("canvas", { width: SIZE, height: SIZE, role: "img" });

  // `logit(x, y)` is the log-odds of class 1; the plane reaches from −reach to reach. Stronger colour: more certain;
  // the line in the text's colour: undecided.
  course.paintPlane = (canvas, logit, points, reach) => {
    const context = canvas.getContext("2d"), style = getComputedStyle(canvas);
    const colour = name => style.getPropertyValue(name).trim();
    const [first, second, ground, ink] = ["--play-class0", "--play-class1", "--play-ground", "--play-ink"].map(colour);
    context.globalAlpha = 1;
    context.fillStyle = ground;
    context.fillRect(0, 0, SIZE, SIZE);
    paintCells(context, cells(logit, reach), first, second, ink);
    context.globalAlpha = 1;
    for (const { x, y, label } of points) {
      const [column, row] = [SIZE * (x / reach + 1) / 2, SIZE * (1 - y / reach) / 2];
      paintPoint(context, column, row, label, label ? second : first, ground);
    }
  };

  function cells(logit, reach) {
    const place = cell => reach * (2 * (cell + 0.5) / GRID - 1);
    return Array.from({ length: GRID * GRID }, (_, index) => logit(place(index % GRID), -place(Math.floor(index / GRID))));
  }

  function paintCells(context, values, first, second, ink) {
    const side = SIZE / GRID;
    values.forEach((value, index) => {
      const column = index % GRID, row = Math.floor(index / GRID), differs = other => (value > 0) !== (values[other] > 0);
      const border = (column + 1 < GRID && differs(index + 1)) || (row + 1 < GRID && differs(index + GRID));
      context.fillStyle = border ? ink : value > 0 ? second : first;
      context.globalAlpha = border ? 1 : 0.1 + 0.5 * Math.abs(Math.tanh(value / 2));
      context.fillRect(column * side, row * side, side, side);
    });
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
