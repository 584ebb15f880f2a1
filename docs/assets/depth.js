// data-play="depth": what depth, activation and normalisation do to gradients and accuracy, from runs made before.
// Table: {runs: [{depth, activation, norm, gradients (a layer), epochs, train, validation ([repeat][epoch]),
// accuracy: {mean, low, high}}]}, accuracies as shares.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const SMALLEST = 1e-20; // a gradient's size below which the scale ends
  const WORDS = {
    en: {
      depth: "Depth (layers)", activation: "Activation", norm: "Normalisation",
      sigmoid: "sigmoid", tanh: "tanh", relu: "ReLU",
      none: "none", batch_norm: "batch norm", gradient: "Gradient of each layer before training (root mean square)",
      layer: "layer, from the input", size: "size, powers of 10",
      curves: "Accuracy by epoch (thin: each repeat, thick: mean)", epoch: "epoch",
      train: "train (solid)", validation: "validation (dashed)", accuracy: "accuracy, %",
      end: "Accuracy on the test part, by depth",
      interval: "mean, with its 95 % interval", layers: "depth",
      missing: "There is no run of depth {depth} with {activation}, normalisation {norm}.",
      chosen: "Depth {depth}, {activation}, normalisation {norm}.",
      sizes: "Gradient: {first} in the first layer, {last} in the last, a factor of {factor}.",
      learnt: "After epoch {epoch}: train {train}, validation {validation} (means of {repeats} repeats).",
      result: "Test {mean}, 95 % interval {low} to {high}.",
    },
    ko: {
      depth: "깊이(층 수)", activation: "활성화 함수", norm: "정규화", sigmoid: "시그모이드", tanh: "tanh", relu: "ReLU",
      none: "없음", batch_norm: "배치 정규화", gradient: "학습 전 층별 기울기의 크기(제곱평균제곱근)",
      layer: "입력부터 센 층", size: "크기(10의 거듭제곱)", curves: "에폭별 정확도(가는 선: 각 반복, 굵은 선: 평균)", epoch: "에폭",
      train: "학습(실선)", validation: "검증(파선)", accuracy: "정확도, %", end: "깊이별 테스트 정확도",
      interval: "평균과 95 % 신뢰구간", layers: "깊이",
      missing: "깊이 {depth}, {activation}, 정규화 {norm}: 이 조합의 결과는 없습니다.",
      chosen: "깊이 {depth}, {activation}, 정규화 {norm}.",
      sizes: "기울기: 첫 층 {first}, 마지막 층 {last}, {factor}배 차이.",
      learnt: "에폭 {epoch} 뒤: 학습 {train}, 검증 {validation}(반복 {repeats}회의 평균).",
      result: "테스트 {mean}, 95 % 신뢰구간 {low} ~ {high}.",
    },
  };

  const distinct = (runs, name) => [...new Set(runs.map(run => run[name]))];

  // What is said of a run, a sentence a picture.
  function sentences(words, run) {
    const { gradients, epochs, train, validation, accuracy } = run, ends = [gradients[0], gradients.at(-1)];
    const numbers = {
      first: course.short(ends[0]), last: course.short(ends[1]),
      factor: ends.includes(0) ? "∞" : course.short(Math.max(...ends) / Math.min(...ends)),
      epoch: epochs.at(-1), repeats: train.length, train: course.percent(course.last(train)),
      validation: course.percent(course.last(validation)), mean: course.percent(accuracy.mean),
      low: course.percent(accuracy.low), high: course.percent(accuracy.high),
    };
    return ["sizes", "learnt", "result"].map(name => course.fill(words[name], numbers));
  }

  // The scales hold for all runs, so that pictures can be compared from choice to choice.
  function scales(words, runs) {
    const sizes = runs.flatMap(run => run.gradients).map(size => Math.max(size, SMALLEST));
    const shares = runs.flatMap(run => [...run.train, ...run.validation].flat()).filter(Number.isFinite);
    return {
      gradient: { ...course.powers(Math.min(...sizes), Math.max(...sizes)), name: words.size },
      curves: { ...course.shares(shares), name: words.accuracy },
      end: { ...course.shares(runs.flatMap(({ accuracy }) => [accuracy.low, accuracy.high])), name: words.accuracy },
    };
  }

  function curveChart(words, run, y, text) {
    const series = ["train", "validation"].map(kind => ({ kind, ...course.repeats(run.epochs, run[kind]) }));
    return course.lineChart({ x: { ...course.steps(run.epochs.at(-1)), name: words.epoch }, y, series, text });
  }

  function endChart(words, runs, depths, run, y, text) {
    const place = each => depths.indexOf(each.depth);
    const alike = runs.filter(each => each.activation === run.activation && each.norm === run.norm)
      .sort((one, other) => one.depth - other.depth);
    const series = [{ kind: "test", mark: "diamond", line: alike.map(each => [place(each), each.accuracy.mean]),
      bars: alike.map(each => [place(each), each.accuracy.low, each.accuracy.high]) }];
    const x = { ...course.places(depths), name: words.layers };
    return course.lineChart({ x, y, series, marked: place(run), text });
  }

  function depth(place) {
    const { runs } = course.tableOf(place), words = course.words(WORDS), named = value => words[value] ?? value;
    const depths = distinct(runs, "depth").sort((one, other) => one - other), axes = scales(words, runs);
    const chosen = { depth: depths[0], activation: runs[0].activation, norm: runs[0].norm };
    const gradient = course.figure(words.gradient), told = course.told();
    const curves = course.figure(words.curves, [["train", words.train], ["validation", words.validation]]);
    const end = course.figure(words.end, [["test", words.interval, "diamond"]]);
    const figures = [gradient, curves, end];

    function show() {
      const run = runs.find(each => Object.entries(chosen).every(([name, value]) => each[name] === value));
      const choice = { depth: chosen.depth, activation: named(chosen.activation), norm: named(chosen.norm) };
      for (const figure of figures) figure.hidden = !run;
      told.textContent = course.fill(run ? words.chosen : words.missing, choice);
      if (!run) return;
      const [sizes, learnt, result] = sentences(words, run);
      told.textContent += ` ${sizes} ${learnt} ${result}`;
      gradient.draw(course.barChart({ values: run.gradients, names: run.gradients.map((_, index) => String(index + 1)),
        x: words.layer, y: axes.gradient, text: sizes }));
      curves.draw(curveChart(words, run, axes.curves, learnt));
      end.draw(endChart(words, runs, depths, run, axes.end, result));
    }
    const set = (name, value) => {
      chosen[name] = value;
      show();
    };
    const radios = name => {
      const values = distinct(runs, name);
      if (values.length === 1) return [];
      const options = values.map(value => [value, named(value)]);
      return [course.radios(words[name], options, chosen[name], value => set(name, value))];
    };
    const slider = course.slider(words.depth, depths.map(String), 0, index => set("depth", depths[index]));
    const controls = course.controls(slider, ...radios("activation"), ...radios("norm"));
    place.append(controls, course.pictures(...figures, told));
    show();
  }

  (course.widgets ??= {}).depth = depth;
})();
