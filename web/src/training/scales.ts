/** Axes of curves: round ticks, and the points that are worth drawing. */

export interface Point {
  x: number;
  y: number;
}

/** Return about `count` round numbers from `low` to `high`, both inside the outer ones. */
export function ticks(low: number, high: number, count: number): number[] {
  const range = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(range / count));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => range / each <= count);
  const size = step ?? 10 * power;
  const first = Math.floor(low / size + 1e-9);
  const last = Math.max(Math.ceil(high / size - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => clean((first + at) * size));
}

/** Return a number without the last digits that binary arithmetic adds. */
function clean(value: number): number {
  return Number(value.toPrecision(12));
}

/** Return a number as a label of an axis. */
export function label(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)) {
    return value.toExponential().replace("e+", "e");
  }
  return value.toLocaleString("en-US", { maximumFractionDigits: 6 });
}

/** Return a measured number to four digits. */
export function measured(value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return "–";
  }
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3)) {
    return value.toExponential(2);
  }
  return String(Number(value.toPrecision(4)));
}

/** Return at most `most` points that have the same extremes as all: the lowest and highest of each bin. */
export function thinned(points: Point[], most: number): Point[] {
  if (points.length <= most) {
    return points;
  }
  const size = Math.ceil(points.length / (most / 2));
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const bin = points.slice(start, start + size);
    const low = bin.reduce((a, b) => (b.y < a.y ? b : a));
    const high = bin.reduce((a, b) => (b.y > a.y ? b : a));
    kept.push(...(low === high ? [low] : low.x < high.x ? [low, high] : [high, low]));
  }
  return kept;
}

/**
 * Return the means of the values around each one, up to `reach` before and after it. At the
 * beginning, where curves are steep, a mean is of as many values before as after.
 */
export function smoothed(points: Point[], reach: number): Point[] {
  const sums = [0];
  for (const { y } of points) {
    sums.push((sums[sums.length - 1] ?? 0) + y);
  }
  return points.map(({ x }, at) => {
    const around = Math.min(reach, at);
    const [start, end] = [at - around, Math.min(at + around + 1, points.length)];
    return { x, y: ((sums[end] ?? 0) - (sums[start] ?? 0)) / (end - start) };
  });
}

/** Return the mean of the last values, or `undefined` if there are none. */
export function recent(points: Point[], count: number): number | undefined {
  const last = points.slice(-count);
  return last.length === 0 ? undefined : last.reduce((sum, { y }) => sum + y, 0) / last.length;
}
