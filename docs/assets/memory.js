// data-play="memory": how much of a first step is left after a number of steps, by the factor of each step: computed here.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const WORDS = {
    en: {
      weight: "Plain network: weight of the state", gate: "LSTM: forget gate", steps: "steps", left: "what is left",
      title: "What is left of the first step (logarithmic)", plain: "plain network (dashed)", lstm: "LSTM (solid)",
      told: "After {steps} steps: plain network {plain}, LSTM {lstm} of what the first step gave.",
    },
    ko: {
      weight: "단순 순환신경망: 상태의 가중치", gate: "LSTM: 망각 게이트", steps: "단계", left: "남은 양",
      title: "첫 단계에서 남은 양(로그 눈금)", plain: "단순 순환신경망(파선)", lstm: "LSTM(실선)",
      told: "{steps}단계 뒤: 첫 단계의 정보가 단순 순환신경망에는 {plain}배, LSTM에는 {lstm}배 남습니다.",
    },
  };
  const WEIGHTS = [0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1], GATES = [0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 1];
  const STEPS = 100, LEAST = -8, MOST = 4;

  // The powers of ten of factor^0 to factor^STEPS, within what the picture shows.
  const decay = factor => Array.from({ length: STEPS + 1 }, (_, step) =>
    [step, Math.min(MOST, Math.max(LEAST, step * Math.log10(factor)))]);

  function memory(place) {
    const words = course.words(WORDS), told = course.told();
    const figure = course.figure(words.title, [["validation", words.plain], ["train", words.lstm]]);
    const chosen = { weight: WEIGHTS.indexOf(0.9), gate: GATES.indexOf(0.99) };
    const y = { ...course.powers(10 ** LEAST, 10 ** MOST), name: words.left };

    function show() {
      const weight = WEIGHTS[chosen.weight], gate = GATES[chosen.gate];
      told.textContent = course.fill(words.told, {
        steps: STEPS, plain: course.short(weight ** STEPS), lstm: course.short(gate ** STEPS),
      });
      figure.draw(course.lineChart({
        x: { ...course.numbers(0, STEPS), name: words.steps }, y, text: told.textContent,
        series: [{ kind: "validation", line: decay(weight) }, { kind: "train", line: decay(gate) }],
      }));
    }
    const slider = (name, label, stops) =>
      course.slider(label, stops.map(String), chosen[name], stop => { chosen[name] = stop; show(); });
    place.append(course.controls(slider("weight", words.weight, WEIGHTS), slider("gate", words.gate, GATES)));
    place.append(course.pictures(figure, told));
    show();
  }

  (course.widgets ??= {}).memory = memory;
})();
