// data-play="convolution": a filter of 3 × 3 weights slides over a picture. Table: {size, pictures: [{name, pixels}]}, pixels
// being the grey values in base64, a byte each.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const WORDS = {
    en: {
      picture: "Picture", filter: "Filter", relu: "ReLU: keep what is above zero", pool: "then pooling 2 × 2",
      weights: "Weights", weight: "weight, row {row}, column {column}", before: "The picture", after: "The feature map (white: found)",
      told: "Feature map {size} × {size}: values from {low} to {high}; {share} of the places are above zero.", own: "own weights",
      identity: "the middle pixel", blur: "blur", vertical: "edge, left to right", horizontal: "edge, top to bottom",
      spot: "spot", random: "at random",
    },
    ko: {
      picture: "그림", filter: "필터", relu: "ReLU: 0보다 큰 값만 남기기", pool: "이어서 2 × 2 풀링",
      weights: "가중치", weight: "가중치, {row}행 {column}열", before: "원본 그림", after: "특징 맵(흰색: 패턴이 있는 곳)",
      told: "특징 맵 {size} × {size}: 값은 {low}에서 {high}까지이며, {share}의 위치가 0보다 큽니다.", own: "직접 정한 가중치",
      identity: "가운데 픽셀", blur: "흐리게", vertical: "경계(왼쪽→오른쪽)", horizontal: "경계(위→아래)", spot: "점", random: "무작위",
    },
  };
  const SKIES = {
    en: {}, ko: { cloudy: "흐림", foggy: "안개", rainy: "비", shine: "맑음", sunrise: "일출" },
  };
  const FILTERS = {
    vertical: [-1, 0, 1, -1, 0, 1, -1, 0, 1], horizontal: [-1, -1, -1, 0, 0, 0, 1, 1, 1],
    spot: [-1, -1, -1, -1, 8, -1, -1, -1, -1], blur: Array(9).fill(0.11), identity: [0, 0, 0, 0, 1, 0, 0, 0, 0],
  };
  const SIDE = 3;

  const decode = text => Float64Array.from(atob(text), sign => sign.charCodeAt(0) / 255);

  // (size, size) to (size - 2, size - 2): at each place the weighted sum of the nine pixels around it.
  course.convolve = (pixels, size, weights) => {
    const side = size - SIDE + 1, map = new Float64Array(side * side);
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        for (let k = 0; k < SIDE * SIDE; k++)
          map[y * side + x] += weights[k] * pixels[(y + Math.floor(k / SIDE)) * size + x + k % SIDE];
    return map;
  };

  // The largest of each 2 × 2 values.
  course.pool = (map, side) => {
    const half = Math.floor(side / 2);
    return Float64Array.from({ length: half * half }, (_, place) => {
      const at = 2 * Math.floor(place / half) * side + 2 * (place % half);
      return Math.max(map[at], map[at + 1], map[at + side], map[at + side + 1]);
    });
  };

  // Values as grey levels on a canvas, the lowest black and the highest white.
  function paint(canvas, values, side, low, high) {
    canvas.width = canvas.height = side;
    const image = new ImageData(side, side);
    values.forEach((value, place) => {
      const grey = high > low ? 255 * (value - low) / (high - low) : 0;
      image.data.set([grey, grey, grey, 255], 4 * place);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function convolution(place) {
    const { size, pictures } = course.tableOf(place), words = course.words(WORDS), skies = course.words(SKIES);
    const before = course.element("canvas", { role: "img" }), after = course.element("canvas", { role: "img" });
    const told = course.told();
    const state = { picture: pictures[0].name, weights: [...FILTERS.vertical], relu: true, pool: false };
    const inputs = state.weights.map((weight, k) => course.element("input", {
      type: "number", step: "0.1", value: weight,
      "aria-label": course.fill(words.weight, { row: Math.floor(k / SIDE) + 1, column: k % SIDE + 1 }),
      oninput: event => { state.weights[k] = Number(event.target.value) || 0; filter.querySelector("select").value = "own"; show(); },
    }));

    function show() {
      const pixels = decode(pictures.find(({ name }) => name === state.picture).pixels);
      let map = course.convolve(pixels, size, state.weights), side = size - SIDE + 1;
      if (state.relu) map = map.map(value => Math.max(0, value));
      if (state.pool) [map, side] = [course.pool(map, side), Math.floor(side / 2)];
      const low = Math.min(...map), high = Math.max(...map), found = map.filter(value => value > 1e-9).length;
      paint(before, pixels, size, 0, 1);
      paint(after, map, side, low, high);
      told.textContent = course.fill(words.told, {
        size: side, low: course.short(low), high: course.short(high), share: course.percent(found / map.length),
      });
      before.setAttribute("aria-label", `${words.before}: ${skies[state.picture] ?? state.picture}`);
      after.setAttribute("aria-label", told.textContent);
    }
    function choose(name) {
      if (name === "own") return;
      state.weights = FILTERS[name] ? [...FILTERS[name]] : inputs.map(() => Number((2 * Math.random() - 1).toFixed(1)));
      inputs.forEach((input, k) => { input.value = state.weights[k]; });
      show();
    }
    const box = (label, key) => {
      const input = course.element("input", { type: "checkbox", onchange: () => { state[key] = input.checked; show(); } });
      input.checked = state[key];
      return course.element("label", { class: "play-check" }, input, label);
    };
    const filter = course.select(words.filter,
      [...Object.keys(FILTERS), "random", "own"].map(name => [name, words[name]]), "vertical", choose);
    const picture = course.select(words.picture, pictures.map(({ name }) => [name, skies[name] ?? name]), state.picture,
      name => { state.picture = name; show(); });
    const grid = course.element("fieldset", { class: "play-grid" }, course.element("legend", {}, words.weights), ...inputs);
    place.append(course.controls(picture, filter, grid, box(words.relu, "relu"), box(words.pool, "pool")));
    const framed = (title, canvas) => course.element("figure", { class: "play-figure play-pixels" },
      course.element("figcaption", {}, title), course.element("div", { class: "play-picture" }, canvas));
    place.append(course.pictures(framed(words.before, before), framed(words.after, after), told));
    show();
  }

  (course.widgets ??= {}).convolution = convolution;
})();
