/** Where in an image the samples of a run have their ink, and a drawing moved to that place. */

import type { Pixels } from "../messages.ts";
import { decoded } from "./pixels.ts";

/** The share of each side that is free of ink, on either side of it. */
export interface Margins {
  across: number;
  down: number;
}

interface Bounds {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const CONTRAST = 64;
/** Of 255: a pixel that differs that much from the corners is ink. */

/** Return the usual margins of images: for each side the median. */
export function margins(images: Pixels[]): Margins {
  const found = images.flatMap((image) => {
    const bounds = bounded(image.width, image.height, ink(image));
    return bounds === undefined ? [] : [{ bounds, ...image }];
  });
  const median = (values: number[]) =>
    values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return {
    across: median(found.map(({ bounds, width }) => free(bounds.left, bounds.right, width))),
    down: median(found.map(({ bounds, height }) => free(bounds.top, bounds.bottom, height))),
  };
}

function free(start: number, end: number, size: number): number {
  return Math.min(start, size - end) / size;
}

function ink({ width, height, channels, pixels }: Pixels): (x: number, y: number) => boolean {
  const data = decoded(pixels);
  const at = (x: number, y: number) => data[(y * width + x) * channels] ?? 0;
  const corners = [at(0, 0), at(width - 1, 0), at(0, height - 1), at(width - 1, height - 1)];
  const paper = corners.sort((a, b) => a - b)[1] ?? 0;
  return (x, y) => Math.abs(at(x, y) - paper) > CONTRAST;
}

/** Return the bounds of what is ink; the ends are exclusive. */
function bounded(
  width: number,
  height: number,
  isInk: (x: number, y: number) => boolean,
): Bounds | undefined {
  let bounds: Bounds | undefined;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (isInk(x, y)) {
        bounds = {
          left: Math.min(bounds?.left ?? x, x),
          right: Math.max(bounds?.right ?? 0, x + 1),
          top: bounds?.top ?? y,
          bottom: y + 1,
        };
      }
    }
  }
  return bounds;
}

/** A rectangle, by its corner and size. */
export interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Return the part of a sheet to show the network, in proportion to the whole sheet: in it, the ink
 * is in the middle, as large as the margins allow. It may reach beyond the sheet.
 */
export function frame(
  sheet: { width: number; height: number },
  isInk: (x: number, y: number) => boolean,
  { across, down }: Margins,
): Frame {
  const bounds = bounded(sheet.width, sheet.height, isInk);
  if (bounds === undefined) {
    return { x: 0, y: 0, ...sheet };
  }
  const { left, right, top, bottom } = bounds;
  const share = Math.max(
    (right - left) / (sheet.width * (1 - 2 * across)),
    (bottom - top) / (sheet.height * (1 - 2 * down)),
  );
  const [width, height] = [sheet.width * share, sheet.height * share];
  return { x: (left + right - width) / 2, y: (top + bottom - height) / 2, width, height };
}
