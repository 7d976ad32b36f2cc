/** Colors of a diagram on white, as they look on a dark ground. */

/** Return the hue, saturation and lightness of a color such as `#cfe5f6`, or `undefined`. */
export function hsl(color: string): [number, number, number] | undefined {
  const named: Record<string, string> = { white: "#ffffff", black: "#000000" };
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(named[color] ?? color);
  if (match === null) {
    return undefined;
  }
  const [r, g, b] = match.slice(1).map((part) => Number.parseInt(part, 16) / 255) as [
    number,
    number,
    number,
  ];
  const most = Math.max(r, g, b);
  const range = most - Math.min(r, g, b);
  const lightness = most - range / 2;
  if (range === 0) {
    return [0, 0, lightness];
  }
  const hue = most === r ? (g - b) / range : most === g ? (b - r) / range + 2 : (r - g) / range + 4;
  return [((hue + 6) % 6) * 60, range / (1 - Math.abs(2 * lightness - 1)), lightness];
}

/** Return the color for both grounds: lightness is turned round, the hue stays. */
export function adaptive(color: string): string {
  const parts = hsl(color);
  if (parts === undefined) {
    return color;
  }
  const [hue, saturation, lightness] = parts;
  const percent = (share: number) => `${Math.round(share * 100)}%`;
  const dark = `hsl(${Math.round(hue)} ${percent(saturation * 0.55)} ${percent(0.93 - 0.8 * lightness)})`;
  return `light-dark(${color}, ${dark})`;
}
