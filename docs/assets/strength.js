// data-play="strength": one mitigation's strength against the train and validation curves, from runs made before.
// Table: {mitigations: [{name, option, control: curve, curves: [curve]}]}, where a curve is {value, epochs, train,
// validation ([repeat][epoch]), test, gap: {mean, low, high}}; accuracies as shares.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const WORDS = {
    en: {
      mitigation: "Mitigation", strength: "Strength", without: "off",
      curves: "Accuracy by epoch (thin: each repeat, thick: mean)", epoch: "epoch",
      train: "train (solid)", validation: "validation (dashed)", control: "without it (dotted: validation)",
      ends: "Accuracy at the end, by strength", test: "test, with its 95 % interval", accuracy: "accuracy, %",
      gaps: "Gap (train − test) by strength", gap: "gap, with its 95 % interval", points: "gap, points",
      chosen: "{mitigation}, {strength}.", of: "strength {value}",
      learnt: "After epoch {epoch}: train {train}, validation {validation} (means of {repeats} repeats).",
      result: "Test {mean}, 95 % interval {low} to {high}.",
      apart: "Gap {mean} points, 95 % interval {low} to {high} points.",
    },
    ko: {
      mitigation: "과적합 완화 기법", strength: "강도", without: "미적용", curves: "에폭별 정확도(가는 선: 각 반복, 굵은 선: 평균)", epoch: "에폭",
      train: "학습(실선)", validation: "검증(파선)", control: "미적용 시(점선: 검증)",
      ends: "강도별 최종 정확도", test: "테스트와 95 % 신뢰구간", accuracy: "정확도, %",
      gaps: "강도별 격차(학습 − 테스트)", gap: "격차와 95 % 신뢰구간", points: "격차, %p",
      chosen: "{mitigation}, {strength}.", of: "강도 {value}",
      learnt: "에폭 {epoch} 뒤: 학습 {train}, 검증 {validation}(반복 {repeats}회의 평균).",
      result: "테스트 {mean}, 95 % 신뢰구간 {low} ~ {high}.", apart: "격차 {mean} %p, 95 % 신뢰구간 {low} ~ {high} %p.",
    },
  };
  const NAMES = {
    en: { l1: "L1", sam: "SAM" },
    ko: {
      dropout: "드롭아웃", weight_decay: "가중치 감쇠", batch_norm: "배치 정규화", augmentation: "데이터 증강",
      label_smoothing: "레이블 스무딩", early_stopping: "조기 종료", noise: "잡음 추가", l1: "L1 규제", shrink: "신경망 축소",
      mixup: "믹스업(mixup)", cutout: "컷아웃(cutout)", cutmix: "컷믹스(CutMix)", max_norm: "최대 노름 제약",
      averaging: "가중치 평균", sam: "SAM", pretraining: "사전 학습",
    },
  };

  const points = share => `${(100 * share).toFixed(1)}`;

  function sentences(words, { epochs, train, validation, test, gap }) {
    const written = ({ mean, low, high }, write) => ({ mean: write(mean), low: write(low), high: write(high) });
    return [
      course.fill(words.learnt, { epoch: epochs.at(-1), repeats: train.length,
        train: course.percent(course.last(train)), validation: course.percent(course.last(validation)) }),
      course.fill(words.result, written(test, course.percent)), course.fill(words.apart, written(gap, points)),
    ];
  }

  const bars = (curves, outcome) => curves.map((curve, index) => [index, curve[outcome].low, curve[outcome].high]);
  const means = (curves, outcome) => curves.map((curve, index) => [index, curve[outcome].mean]);
  const lasts = (curves, part) => curves.map((curve, index) => [index, course.last(curve[part])]);

  // The curves of the chosen strength before the control's; the scale holds for all strengths, so that the curve moves.
  function curveChart(words, curves, curve, control, text) {
    const shares = curves.flatMap(each => [...each.train, ...each.validation].flat()).filter(Number.isFinite);
    const series = ["train", "validation"].map(kind => ({ kind, ...course.repeats(curve.epochs, curve[kind]) }));
    const before = { kind: "control", line: course.repeats(control.epochs, control.validation).line };
    const last = Math.max(...curves.map(each => each.epochs.at(-1)));
    return course.lineChart({
      x: { ...course.steps(last), name: words.epoch }, y: { ...course.shares(shares), name: words.accuracy },
      series: curve === control ? series : [before, ...series], text,
    });
  }

  function endChart(words, curves, x, marked, text) {
    const series = [
      { kind: "train", mark: "circle", line: lasts(curves, "train") },
      { kind: "validation", mark: "square", line: lasts(curves, "validation") },
      { kind: "test", mark: "diamond", line: means(curves, "test"), bars: bars(curves, "test") },
    ];
    const shares = series.flatMap(each => [...each.line, ...(each.bars ?? [])]).flatMap(([, ...values]) => values);
    return course.lineChart({ x, y: { ...course.shares(shares), name: words.accuracy }, series, marked, text });
  }

  function gapChart(words, curves, x, marked, text) {
    const series = [{ kind: "gap", mark: "diamond", line: means(curves, "gap"), bars: bars(curves, "gap") }];
    const shares = [0, ...series[0].bars.flatMap(([, low, high]) => [low, high])];
    return course.lineChart({ x, y: { ...course.shares(shares), name: words.points }, series, marked, text });
  }

  function strength(place) {
    const { mitigations } = course.tableOf(place), words = course.words(WORDS), names = course.words(NAMES);
    const named = ({ name }) => names[name] ?? name.replaceAll("_", " ");
    const curves = course.figure(words.curves,
      [["train", words.train], ["validation", words.validation], ["control", words.control]]);
    const ends = course.figure(words.ends,
      [["train", words.train, "circle"], ["validation", words.validation, "square"], ["test", words.test, "diamond"]]);
    const gaps = course.figure(words.gaps, [["gap", words.gap, "diamond"]]);
    const told = course.told(), option = course.element("code"), slot = course.element("div", { class: "play-slot" });

    const stopsOf = mitigation => [words.without, ...mitigation.curves.map(({ value }) => String(value))];

    // Stop 0 of the slider is the control.
    function show(mitigation, stop) {
      const all = [mitigation.control, ...mitigation.curves], curve = all[stop];
      const strength = stop ? course.fill(words.of, { value: curve.value }) : words.without;
      const [learnt, result, apart] = sentences(words, curve);
      const chosen = course.fill(words.chosen, { mitigation: named(mitigation), strength });
      told.textContent = `${chosen} ${learnt} ${result} ${apart}`;
      const x = { ...course.places(stopsOf(mitigation)), name: words.strength };
      curves.draw(curveChart(words, all, curve, mitigation.control, learnt));
      ends.draw(endChart(words, all, x, stop, `${learnt} ${result}`));
      gaps.draw(gapChart(words, all, x, stop, apart));
    }
    const choose = name => {
      const mitigation = mitigations.find(each => each.name === name);
      option.textContent = mitigation.option;
      slot.replaceChildren(course.slider(words.strength, stopsOf(mitigation), 0, stop => show(mitigation, stop)), option);
      show(mitigation, 0);
    };
    const options = mitigations.map(each => [each.name, named(each)]);
    const select = course.select(words.mitigation, options, mitigations[0].name, choose);
    place.append(course.controls(select, slot), course.pictures(curves, ends, gaps, told));
    choose(mitigations[0].name);
  }

  (course.widgets ??= {}).strength = strength;
})();
