/**
 * Copies a typed array into a longer one and returns that, for arrays that grow.
 *
 * @example this.#counts = widened(this.#counts, new Int32Array(this.#counts.length * 2))
 */
export function widened<T extends Uint32Array | Int32Array | Int16Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
