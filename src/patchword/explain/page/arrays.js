// Packed arrays (explanation documents' form; patchword/explain/packing.py), inflated when they are asked for.

const inflated = new WeakMap();

/** The numbers of a packed array: {axes, shape, low, high, values}; each array is inflated once. */
export function unpacked(array) {
  if (!inflated.has(array)) inflated.set(array, inflate(array));
  return inflated.get(array);
}

async function inflate(array) {
  const text = atob(array.data);
  const bytes = Uint8Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const view = new DataView(await new Response(stream).arrayBuffer());
  const wide = array.bits === 16;
  const size = array.shape.reduce((product, length) => product * length, 1);
  if (view.byteLength !== size * (wide ? 2 : 1)) {
    throw new Error(`An array has ${view.byteLength} bytes where its shape ${array.shape.join(" × ")} wants ${size}.`);
  }
  const values = new Float32Array(size);
  const step = (array.high - array.low) / (wide ? 65535 : 255);
  for (let index = 0; index < size; index += 1) {
    values[index] = array.low + step * (wide ? view.getUint16(2 * index, true) : view.getUint8(index));
  }
  return { axes: array.axes, shape: array.shape, low: array.low, high: array.high, values };
}

/** The part of an array whose first axes have these indices; null stands for the mean over that axis. */
export function part(array, indices) {
  let { values } = array;
  let shape = [...array.shape];
  for (const index of indices) {
    const size = shape.slice(1).reduce((product, length) => product * length, 1);
    if (index === null) values = mean(values, shape[0], size);
    else if (shape[0] * size === values.length) values = values.subarray(index * size, (index + 1) * size);
    shape = shape.slice(1);
  }
  return { shape, values };
}

function mean(values, count, size) {
  const result = new Float32Array(size);
  for (let block = 0; block < count; block += 1) {
    for (let index = 0; index < size; index += 1) result[index] += values[block * size + index] / count;
  }
  return result;
}

/** [least, greatest] of numbers; [0, 0] of none. */
export function range(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}
