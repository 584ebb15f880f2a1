// A small fully connected network for two classes of points in the plane, trained by gradient descent with momentum.
// Plain arrays and no page: what draws it is network.js.
"use strict";

(() => {
  const DERIVATIVES = { // of the activation, from its output
    sigmoid: output => output * (1 - output), tanh: output => 1 - output * output, relu: output => (output > 0 ? 1 : 0),
  };
  const ACTIVATIONS = { sigmoid, tanh: Math.tanh, relu: input => Math.max(0, input) };
  const MOMENTUM = 0.9, POINTS = 200, WIDTH = 2; // the plane shown reaches from −WIDTH to WIDTH on both axes

  function sigmoid(input) {
    return 1 / (1 + Math.exp(-input));
  }

  // Draws from [0, 1), the same for the same seed (mulberry32).
  function generator(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let bits = Math.imul(state ^ (state >>> 15), state | 1);
      bits = (bits + Math.imul(bits ^ (bits >>> 7), bits | 61)) ^ bits;
      return ((bits ^ (bits >>> 14)) >>> 0) / 4294967296;
    };
  }

  function normal(random) {
    return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  }

  const PATTERNS = {
    xor(index, random) {
      const [x, y] = [0, 1].map(() => 0.15 + 1.7 * random());
      const right = index % 2 ? 1 : -1, up = index % 4 < 2 ? right : -right;
      return { x: right * x, y: up * y, label: right === up ? 0 : 1 };
    },
    circles(index, random) {
      const radius = index % 2 ? 1.3 + 0.5 * random() : 0.8 * Math.sqrt(random()), angle = 2 * Math.PI * random();
      return { x: radius * Math.cos(angle), y: radius * Math.sin(angle), label: index % 2 };
    },
    spirals(index, random) {
      const along = (index + 0.5) / POINTS, angle = 2 * Math.PI * 1.1 * along + Math.PI * (index % 2);
      const radius = 0.15 + 1.65 * along, moved = value => value + 0.04 * normal(random);
      return { x: moved(radius * Math.sin(angle)), y: moved(radius * Math.cos(angle)), label: index % 2 };
    },
  };

  // As many points of either class, always the same.
  function pattern(name) {
    const random = generator(1);
    return Array.from({ length: POINTS }, (_, index) => PATTERNS[name](index, random));
  }

  // `sizes` are the units of the hidden layers. First weights: He's for ReLU, Glorot's for the others; biases 0.
  function build(sizes, activation, seed) {
    const random = generator(seed), widths = [2, ...sizes, 1];
    const layers = widths.slice(1).map((outputs, index) => {
      const inputs = widths[index];
      const std = Math.sqrt(activation === "relu" ? 2 / inputs : 2 / (inputs + outputs));
      const weights = Float64Array.from({ length: inputs * outputs }, () => std * normal(random));
      const [biases, output, error] = [0, 1, 2].map(() => new Float64Array(outputs));
      const velocity = { weights: new Float64Array(weights.length), biases: new Float64Array(outputs) };
      return { inputs, outputs, weights, biases, velocity, output, error };
    });
    return { layers, activation };
  }

  // The log-odds of the second class. Every layer keeps its output for the way back.
  function logit({ layers, activation }, x, y) {
    let input = [x, y];
    layers.forEach(({ inputs, outputs, weights, biases, output }, index) => {
      const activate = index < layers.length - 1 ? ACTIVATIONS[activation] : value => value;
      for (let unit = 0; unit < outputs; unit++) {
        let sum = biases[unit];
        for (let i = 0; i < inputs; i++) sum += weights[unit * inputs + i] * input[i];
        output[unit] = activate(sum);
      }
      input = output;
    });
    return input[0];
  }

  // Mean cross-entropy and accuracy over the points, and the loss's gradient by every weight and bias.
  function gradients(net, points) {
    const sums = net.layers.map(({ weights, biases }) =>
      ({ weights: new Float64Array(weights.length), biases: new Float64Array(biases.length) }));
    let loss = 0, correct = 0;
    for (const { x, y, label } of points) {
      const value = logit(net, x, y);
      loss += Math.max(value, 0) - value * label + Math.log1p(Math.exp(-Math.abs(value)));
      correct += (value > 0) === (label === 1);
      net.layers.at(-1).error[0] = (sigmoid(value) - label) / points.length;
      backward(net, [x, y], sums);
    }
    return { loss: loss / points.length, accuracy: correct / points.length, layers: sums };
  }

  // From the last layer's error to every layer's; adds this point's gradient to the sums.
  function backward({ layers, activation }, point, sums) {
    const derivative = DERIVATIVES[activation];
    for (let index = layers.length - 1; index >= 0; index--) {
      const { inputs, outputs, weights, error } = layers[index], before = layers[index - 1];
      const input = before ? before.output : point;
      if (before) before.error.fill(0);
      for (let unit = 0; unit < outputs; unit++) {
        sums[index].biases[unit] += error[unit];
        for (let i = 0; i < inputs; i++) {
          sums[index].weights[unit * inputs + i] += error[unit] * input[i];
          if (before) before.error[i] += error[unit] * weights[unit * inputs + i];
        }
      }
      if (before) for (let i = 0; i < inputs; i++) before.error[i] *= derivative(input[i]);
    }
  }

  // One step of gradient descent with momentum, on all points at once.
  function step(net, { layers }, rate) {
    net.layers.forEach((layer, index) => {
      for (const kind of ["weights", "biases"])
        layer[kind].forEach((_, i) => {
          const velocity = layer.velocity[kind];
          velocity[i] = MOMENTUM * velocity[i] + layers[index][kind][i];
          layer[kind][i] -= rate * velocity[i];
        });
    });
  }

  // How large each layer's gradient is: root mean square over its weights, from the first layer to the last.
  function gradientSizes({ layers }) {
    const squares = weights => weights.reduce((sum, value) => sum + value * value, 0);
    return layers.map(({ weights }) => Math.sqrt(squares(weights) / weights.length));
  }

  const course = globalThis.course ??= {};
  course.mlp = {
    PATTERNS: Object.keys(PATTERNS), ACTIVATIONS: Object.keys(ACTIVATIONS), WIDTH, MOMENTUM, POINTS,
    pattern, build, logit, gradients, step, gradientSizes,
  };
})();
