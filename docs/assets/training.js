// A network in training that can be started, paused, moved on by a step and begun anew, without the page standing still.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const STEPS_A_FRAME = 4, FRAME_BUDGET = 8, RUN = 3000; // steps, milliseconds, steps until it pauses by itself

  // The training itself: a network, its points, and the loss at every step so far.
  function training({ pattern, hidden, units, activation, rate, seed }) {
    const { mlp } = course, points = mlp.pattern(pattern);
    const net = mlp.build(Array(Number(hidden)).fill(Number(units)), activation, Number(seed));
    const run = { net, points, losses: [], measure, step };
    function measure() {
      run.now = mlp.gradients(net, points);
      run.losses.push(run.now.loss);
    }
    function step() {
      mlp.step(net, run.now, Number(rate));
      measure();
    }
    measure();
    return run;
  }

  // Runs as long as `go` says, some steps a picture; calls `draw` now and then, and `ended` when it stopped.
  function animation(step, draw, go, ended) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 60; // milliseconds a picture
    let drawn = 0;
    function frame(time) {
      const until = performance.now() + FRAME_BUDGET;
      for (let steps = 0; steps < STEPS_A_FRAME && go() && performance.now() < until; steps++) step();
      if (time - drawn > calm) {
        drawn = time;
        draw();
      }
      if (go()) requestAnimationFrame(frame);
      else ended();
    }
    requestAnimationFrame(frame);
  }

  // Training that can be started and paused: `show(run, speak)` draws it, `started` hears whether it goes on.
  course.player = (settings, show, started) => {
    let run, current;
    const stop = () => {
      current = undefined;
      started(false);
    };
    const restart = () => {
      stop();
      run = training(settings);
      show(run, true);
    };
    const step = () => {
      stop();
      run.step();
      show(run, true);
    };
    const pause = () => {
      stop();
      show(run, true);
    };
    const toggle = () => {
      if (current) return pause();
      const mine = current = {}, until = run.losses.length + RUN;
      started(true);
      const go = () => mine === current && run.losses.length < until && Number.isFinite(run.now.loss);
      animation(() => run.step(), () => show(run, false), go, () => { if (mine === current) pause(); });
    };
    return { restart, step, toggle, again: () => show(run, false) };
  };
})();
