// Weights, state and ids to the next logits, one character at a time: textgen/inference/network.py in JavaScript.
// Sums are float64, states and logits float32, so the logits differ from NumPy's by NumPy's own rounding alone.

/** Every float16 by its bits. */
function float16Values() {
  return Float32Array.from({ length: 65536 }, (_, bits) => {
    const sign = bits >> 15 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
  });
}

/** The bytes of a text in base64. */
function decodeBase64(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * The weights by name.
 * @param {[string, number][]} sizes names and numbers of values, in the order in which they stand
 * @param {string} base64 little-endian values one after another
 * @param {string} precision `float16` or `float32`
 * @returns {Object<string, Float32Array>}
 */
function decodeWeights(sizes, base64, precision) {
  const bytes = decodeBase64(base64);
  let values;
  if (precision === "float16") {
    const table = float16Values();
    values = Float32Array.from(new Uint16Array(bytes.buffer), (bits) => table[bits]);
  } else {
    values = new Float32Array(bytes.buffer);
  }
  let start = 0;
  return Object.fromEntries(sizes.map(([name, size]) => [name, values.subarray(start, (start += size))]));
}

/**
 * A matrix (D, N) with eight rows side by side: the values of a column in eight rows stand together, then those of the
 * next column. Missing rows are zeros.
 * @param {Float32Array} matrix row by row
 * @param {number} width N
 */
function interleaved(matrix, width) {
  const rows = matrix.length / width;
  const values = new Float32Array(Math.ceil(rows / 8) * 8 * width);
  for (let row = 0, from = 0; row < rows; row++) {
    for (let to = (row - (row % 8)) * width + (row % 8); from < (row + 1) * width; to += 8) values[to] = matrix[from++];
  }
  return values;
}

/**
 * Add a vector (D,) times a matrix (D, N) to `sums` (N,). Eight rows at once: each sum is read and written once for all.
 * @param {Float64Array} sums
 * @param {Float32Array} vector
 * @param {Float32Array} matrix from `interleaved`
 */
function addProduct(sums, vector, matrix) {
  const width = sums.length;
  for (let row = 0, at = 0; row < vector.length; row += 8) {
    const [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => vector[row + i] ?? 0);
    for (let i = 0; i < width; i++, at += 8) {
      // in pairs: no addition waits for seven others
      const first = a * matrix[at] + b * matrix[at + 1] + (c * matrix[at + 2] + d * matrix[at + 3]);
      const second = e * matrix[at + 4] + f * matrix[at + 5] + (g * matrix[at + 6] + h * matrix[at + 7]);
      sums[i] += first + second;
    }
  }
}

function sigmoid(value) {
  return 1 / (1 + Math.exp(-value));
}

/** What a layer's state becomes, from the projected input and the projected hidden state; gates in Keras's order. */
const CELLS = {
  lstm({ hidden, cell }, input, recurrent) {
    const units = hidden.length;
    for (let i = 0; i < units; i++) {
      const forget = i + units;
      const fresh = forget + units;
      const output = fresh + units;
      cell[i] =
        sigmoid(input[forget] + recurrent[forget]) * cell[i] +
        sigmoid(input[i] + recurrent[i]) * Math.tanh(input[fresh] + recurrent[fresh]);
      hidden[i] = sigmoid(input[output] + recurrent[output]) * Math.tanh(cell[i]);
    }
  },
  gru({ hidden }, input, recurrent) {
    const units = hidden.length;
    for (let i = 0; i < units; i++) {
      const reset = i + units;
      const fresh = reset + units;
      const update = sigmoid(input[i] + recurrent[i]);
      const candidate = Math.tanh(
        input[fresh] + sigmoid(input[reset] + recurrent[reset]) * recurrent[fresh],
      );
      hidden[i] = update * hidden[i] + (1 - update) * candidate;
    }
  },
  rnn({ hidden }, input, recurrent) {
    for (let i = 0; i < hidden.length; i++) hidden[i] = Math.tanh(input[i] + recurrent[i]);
  },
};

/** One recurrent layer. */
class Layer {
  constructor(weights, cell, index) {
    const [kernel, recurrentKernel, bias] = ["kernel", "recurrent_kernel", "bias"].map(
      (name) => weights[`${cell}_${index}/${name}`],
    );
    const width = cell === "gru" ? bias.length / 2 : bias.length;
    this.kernel = interleaved(kernel, width);
    this.recurrentKernel = interleaved(recurrentKernel, width);
    this.bias = bias.subarray(0, width);
    this.recurrentBias = cell === "gru" ? bias.subarray(width) : new Float32Array(width);
    this.sums = new Float64Array(width);
    this.activate = CELLS[cell];
  }

  /** Inputs (D,) times the kernel, bias added. */
  project(inputs) {
    const sums = Float64Array.from(this.bias);
    addProduct(sums, inputs, this.kernel);
    return sums;
  }

  /** Move a state on by one step. */
  step(state, projected) {
    this.sums.set(this.recurrentBias);
    addProduct(this.sums, state.hidden, this.recurrentKernel);
    this.activate(state, projected, this.sums);
  }
}

/**
 * A model: all that the sampler, the surprises and the branches see of it is `initialState`, `copy` and `step`.
 */
class Network {
  /**
   * @param {{cell: string, num_layers: number, units: number}} config
   * @param {Object<string, Float32Array>} weights from `decodeWeights`
   */
  constructor(config, weights) {
    this.config = config;
    this.layers = Array.from({ length: config.num_layers }, (_, i) => new Layer(weights, config.cell, i));
    this.embeddings = weights["embedding/embeddings"];
    this.bias = weights["dense/bias"];
    this.kernel = interleaved(weights["dense/kernel"], this.bias.length);
    this.sums = new Float64Array(this.bias.length);
    this.logits = new Float32Array(this.bias.length);
    /** id -> its projected input in the first layer, once it has been read */
    this.projected = new Map();
  }

  /** The state before any character. */
  initialState() {
    const { cell, units } = this.config;
    const names = cell === "lstm" ? ["hidden", "cell"] : ["hidden"];
    return this.layers.map(() => Object.fromEntries(names.map((name) => [name, new Float32Array(units)])));
  }

  /** A state that lives on while the one that it was copied from is moved on. */
  copy(state) {
    return state.map((layer) =>
      Object.fromEntries(Object.entries(layer).map(([name, values]) => [name, values.slice()])),
    );
  }

  /**
   * One character further.
   * @param {number} id
   * @param {Object[]} state moved on in place
   * @returns {Float32Array} the logits of the next character, valid until the next step
   */
  step(id, state) {
    this.layers[0].step(state[0], this.firstInput(id));
    for (let i = 1; i < this.layers.length; i++) {
      this.layers[i].step(state[i], this.layers[i].project(state[i - 1].hidden));
    }
    this.sums.set(this.bias);
    addProduct(this.sums, state[state.length - 1].hidden, this.kernel);
    this.logits.set(this.sums);
    return this.logits;
  }

  firstInput(id) {
    if (!this.projected.has(id)) {
      const width = this.embeddings.length / this.bias.length;
      this.projected.set(id, this.layers[0].project(this.embeddings.subarray(id * width, (id + 1) * width)));
    }
    return this.projected.get(id);
  }
}
