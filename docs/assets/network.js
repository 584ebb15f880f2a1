// data-play="network": a small network that learns to tell two kinds of points apart while one watches.
// data-pattern, data-hidden (hidden layers, 0 to 6), data-units, data-activation, data-rate, data-seed: how it starts.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const DRAWN_LOSSES = 150, ANNOUNCED = 5000, MOST_SEED = 9999; // the second in milliseconds
  const RATES = ["0.01", "0.03", "0.1", "0.3", "1", "3"];

  const WORDS = {
    en: {
      pattern: "Pattern", xor: "XOR", circles: "Circles", spirals: "Spirals",
      hidden: "Hidden layers", units: "Units in each", activation: "Activation", sigmoid: "sigmoid", tanh: "tanh",
      relu: "ReLU", rate: "Learning rate", seed: "Seed of the first weights", start: "Start", pause: "Pause",
      step: "One step", again: "Start over", fresh: "New weights", boundary: "Decision boundary", class0: "class 0",
      class1: "class 1", loss: "Loss", at: "step", gradient: "Gradient of each layer's weights (root mean square)",
      size: "size, powers of 10", layer: "layer", output: "out",
      now: "Step {step}: loss {loss}, accuracy {accuracy} of {points} points.",
      lines: "Step {step}: the loss is {loss}; it was {first} at step 0.",
      diverged: "The loss is no longer a number: the learning rate is too high.",
      one: "No hidden layer: one unit, a logistic regression. Its boundary is a straight line.",
      sizes: "Gradient from the first layer to the last: {sizes}.",
      plane: "{accuracy} of the points lie on their side of the boundary.",
      method: "Gradient descent on all {points} points at once, momentum {momentum}. " +
        "The same settings always give the same picture.",
    },
    ko: {
      pattern: "데이터 패턴", xor: "XOR", circles: "동심원", spirals: "나선",
      hidden: "은닉층 수", units: "은닉층마다 유닛 수", activation: "활성화 함수", sigmoid: "시그모이드", tanh: "tanh",
      relu: "ReLU", rate: "학습률", seed: "초기 가중치의 시드", start: "시작", pause: "일시 정지",
      step: "한 스텝", again: "처음부터", fresh: "새 가중치", boundary: "결정 경계", class0: "클래스 0",
      class1: "클래스 1", loss: "손실", at: "스텝", gradient: "층별 가중치 기울기의 크기(제곱평균제곱근)",
      size: "크기(10의 거듭제곱)", layer: "층", output: "출력",
      now: "스텝 {step}: 손실 {loss}, 점 {points}개에 대한 정확도 {accuracy}.",
      lines: "스텝 {step}: 손실은 {loss}이고, 스텝 0에서는 {first}였습니다.",
      diverged: "손실이 더는 수가 아닙니다. 학습률이 너무 큽니다.",
      one: "은닉층이 없으면 유닛 하나, 곧 로지스틱 회귀입니다. 결정 경계는 직선입니다.",
      sizes: "첫 층부터 마지막 층까지의 기울기: {sizes}.",
      plane: "점의 {accuracy}가 결정 경계의 맞는 쪽에 있습니다.",
      method: "점 {points}개 전체를 한 번에 쓰는 경사 하강법(모멘텀 {momentum})입니다. 설정이 같으면 그림도 항상 같습니다.",
    },
  };

  function settingsOf({ dataset }) {
    const { PATTERNS, ACTIVATIONS } = course.mlp;
    const of = (value, choices, otherwise) => (choices.includes(value) ? value : otherwise);
    const hidden = Math.min(6, Math.max(0, Math.floor(Number(dataset.hidden) || 0)));
    return {
      pattern: of(dataset.pattern, PATTERNS, "xor"), activation: of(dataset.activation, ACTIVATIONS, "tanh"),
      hidden, units: Math.min(8, Math.max(1, Math.floor(Number(dataset.units) || 4))),
      rate: of(dataset.rate, RATES, "0.3"), seed: Math.max(1, Math.floor(Number(dataset.seed) || 1)),
    };
  }

  function numbersOf({ now, losses, points }, sizes) {
    return {
      step: losses.length - 1, accuracy: course.percent(now.accuracy), points: points.length,
      loss: course.short(now.loss, 3), first: course.short(losses[0], 3),
      sizes: sizes.map(size => course.short(size)).join(", "),
    };
  }

  // The three pictures and the numbers beside them; `say` tells those who do not see them, and is called less often.
  function view(words) {
    const canvas = course.canvas(), { mlp } = course;
    const classes = [["class0", words.class0, "circle"], ["class1", words.class1, "square"]];
    const plane = course.figure(words.boundary, classes);
    plane.querySelector(".play-picture").append(canvas);
    const loss = course.figure(words.loss), gradient = course.figure(words.gradient);
    const now = course.element("p", { class: "play-now", "aria-hidden": "true" }), told = course.told();
    told.classList.add("play-heard");
    const method = course.element("p", { class: "play-note" },
      course.fill(words.method, { points: mlp.POINTS, momentum: mlp.MOMENTUM }));
    const draw = run => {
      const sizes = mlp.gradientSizes(run.now), numbers = numbersOf(run, sizes);
      const text = name => course.fill(words[name], numbers);
      course.paintPlane(canvas, (x, y) => mlp.logit(run.net, x, y), run.points, mlp.WIDTH);
      canvas.setAttribute("aria-label", `${words.boundary}. ${text("plane")}`);
      loss.draw(lossChart(words, run.losses, text("lines")));
      gradient.draw(gradientChart(words, sizes, text("sizes")));
      const result = Number.isFinite(run.now.loss) ? text("now") : words.diverged;
      now.textContent = sizes.length > 1 ? result : `${result} ${words.one}`;
      return `${now.textContent} ${text("sizes")}`;
    };
    const left = course.element("div", { class: "play-tall" }, plane, now, method);
    return { parts: [course.pictures(left, loss, gradient), told], draw, say: text => { told.textContent = text; } };
  }

  function gradientChart(words, sizes, text) {
    const names = sizes.map((_, index) => (index === sizes.length - 1 ? words.output : String(index + 1)));
    const y = { ...course.powers(1e-8, 1), name: words.size };
    return course.barChart({ values: sizes, names, x: words.layer, y, text });
  }

  function lossChart(words, losses, text) {
    const last = losses.length - 1, every = Math.max(1, Math.ceil(last / DRAWN_LOSSES));
    const line = losses.map((loss, step) => [step, loss]).filter(([step]) => step % every === 0 || step === last);
    return course.lineChart({ x: { ...course.steps(Math.max(10, last)), name: words.at }, series: [{ kind: "train", line }], text,
      y: { ...course.numbers(0, Math.max(0.7, ...losses.filter(Number.isFinite))), name: words.loss } });
  }

  const counted = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
  const button = (text, onclick) => course.element("button", { type: "button", onclick }, text);

  // What can be set; `restart` is called after a change. A network without hidden layers has no use for some.
  function settingControls(words, settings, restart) {
    const named = names => names.map(name => [name, words[name]]), { mlp } = course;
    const set = name => value => {
      settings[name] = value;
      allow();
      restart();
    };
    const units = course.slider(words.units, counted(1, 8), settings.units - 1, place => set("units")(place + 1));
    const activation = course.select(words.activation, named(mlp.ACTIVATIONS), settings.activation, set("activation"));
    const allow = () => {
      for (const each of [units, activation]) each.querySelector("input, select").disabled = settings.hidden === 0;
    };
    allow();
    return [
      course.select(words.pattern, named(mlp.PATTERNS), settings.pattern, set("pattern")),
      course.slider(words.hidden, counted(0, 6), settings.hidden, set("hidden")), units, activation,
      course.select(words.rate, RATES.map(rate => [rate, rate]), settings.rate, set("rate")),
    ];
  }

  function seedControl(words, settings, restart) {
    const numbers = { type: "number", min: 1, max: MOST_SEED, step: 1 };
    const input = course.element("input", { ...numbers, onchange: () => sow(input.value) });
    const sow = value => {
      settings.seed = input.value = Math.min(MOST_SEED, Math.max(1, Math.floor(Number(value) || 1)));
      restart();
    };
    input.value = settings.seed;
    return { seed: course.element("label", {}, course.element("span", {}, words.seed), input),
      fresh: button(words.fresh, () => sow(settings.seed % MOST_SEED + 1)) };
  }

  function network(place) {
    const words = course.words(WORDS), settings = settingsOf(place), shown = view(words);
    let announced = 0;
    const show = (run, speak) => {
      const text = shown.draw(run);
      if (!speak && performance.now() - announced < ANNOUNCED) return;
      shown.say(text);
      announced = performance.now();
    };
    const start = button(words.start, () => play.toggle());
    const play = course.player(settings, show, on => { start.textContent = on ? words.pause : words.start; });
    const { seed, fresh } = seedControl(words, settings, play.restart);
    const buttons = [start, button(words.step, play.step), button(words.again, play.restart), fresh];
    place.append(course.controls(...settingControls(words, settings, play.restart), seed,
      course.element("div", { class: "play-buttons" }, ...buttons)), ...shown.parts);
    play.restart();
    course.onScheme(play.again);
  }

  (course.widgets ??= {}).network = network;
})();
