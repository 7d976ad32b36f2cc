/** Which of several things in a text the cursor is at. */

import type { Placed, Span } from "../messages.ts";

/**
 * Return those of the smallest range that contains an offset; if none does, those that begin on its
 * line; otherwise none.
 */
export function nearest<Item extends Placed>(
  items: Item[],
  offset: number,
  line: { from: number; to: number },
): Item[] {
  const around = items.map((item) => {
    const sizes = places(item)
      .filter(({ start, end }) => start <= offset && offset <= end)
      .map(({ start, end }) => end - start);
    return { item, size: Math.min(...sizes) };
  });
  const least = Math.min(...around.map(({ size }) => size));
  if (least < Number.POSITIVE_INFINITY) {
    return around.filter(({ size }) => size === least).map(({ item }) => item);
  }
  const begins = ({ start }: Span) => line.from <= start && start <= line.to;
  return items.filter((item) => places(item).some(begins));
}

/** Return the calls that an item comes from: that in a block, and those of the block. */
function places({ start, end, places }: Placed): Span[] {
  if (places !== undefined && places.length > 0) {
    return places;
  }
  return start === null || end === null ? [] : [{ start, end }];
}
