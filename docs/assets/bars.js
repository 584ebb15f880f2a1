// data-play="bars": the results of a study's cells, from runs made before; data-title says of what.
// Table: {rows: [{group, name, test, train: {mean, low, high}, repeats: [accuracy]}]}; accuracies as shares. Several groups,
// such as data sets, are chosen one at a time.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const WORDS = {
    en: {
      group: "Shown", accuracy: "accuracy, %", test: "new samples, with 95 % interval", train: "train samples",
      repeat: "a training", one: "{name}: {mean}, 95 % interval {low} to {high}",
    },
    ko: {
      group: "보기", accuracy: "정확도, %", test: "새로운 표본과 95 % 신뢰구간", train: "학습 표본", repeat: "학습 한 번",
      one: "{name}: {mean}, 95 % 신뢰구간 {low} ~ {high}",
    },
  };
  const NAMES = {
    en: { plain: "pictures as they are", shuffled: "pixels shuffled" },
    ko: {
      plain: "원래 그림", shuffled: "픽셀을 섞은 그림", perceptron: "퍼셉트론", skies: "하늘 그림", digits: "손글씨 숫자",
      fashion: "의류 사진", speech: "음성 숫자", reviews: "영화평", "recall 10": "회상 10단계", "recall 30": "회상 30단계",
      "recall 100": "회상 100단계", seattle: "내일의 날씨", handmade: "수작업 특징",
    },
  };

  function bars(place) {
    const { rows } = course.tableOf(place), words = course.words(WORDS), names = course.words(NAMES);
    const named = name => names[name] ?? name;
    const groups = [...new Set(rows.map(row => row.group))];
    const figure = course.figure(place.dataset.title ?? "", [
      ["test", words.test, "diamond"], ["train", words.train, "circle"], ["repeat", words.repeat, "circle"],
    ]);
    const told = course.told();

    function show(group) {
      const shown = rows.filter(row => row.group === group);
      const sentences = shown.map(({ name, test }) => course.fill(words.one, {
        name: named(name), mean: course.percent(test.mean), low: course.percent(test.low), high: course.percent(test.high),
      }));
      told.replaceChildren(...sentences.flatMap(sentence => [sentence, course.element("br")]));
      const points = value => shown.map((row, index) => [index, value(row)]);
      const series = [
        { kind: "repeat", mark: "circle", line: shown.flatMap((row, index) => row.repeats.map(one => [index, one])) },
        { kind: "train", mark: "circle", line: points(row => row.train.mean) },
        { kind: "test", mark: "diamond", line: points(row => row.test.mean),
          bars: shown.map(({ test }, index) => [index, test.low, test.high]) },
      ];
      const shares = series.flatMap(each => [...each.line, ...(each.bars ?? [])]).flatMap(([, ...values]) => values);
      figure.draw(course.lineChart({
        x: { ...course.places(shown.map(({ name }) => named(name))), name: "" },
        y: { ...course.shares(shares), name: words.accuracy }, series, text: sentences.join("; "),
      }));
    }
    if (groups.length > 1)
      place.append(course.controls(course.select(words.group, groups.map(each => [each, named(each)]), groups[0], show)));
    place.append(course.pictures(figure, told));
    show(groups[0]);
  }

  (course.widgets ??= {}).bars = bars;
})();
