/** Which of several things in a text the cursor is at. */

import type { MaybeSpan } from "../messages.ts";

/**
 * Return those of the smallest range that contains an offset; if none does, those that begin on its
 * line; otherwise none.
 */
export function nearest<Item extends MaybeSpan>(
  items: Item[],
  offset: number,
  line: { from: number; to: number },
): Item[] {
  let best = Number.POSITIVE_INFINITY;
  for (const { start, end } of items) {
    if (start !== null && end !== null && start <= offset && offset <= end) {
      best = Math.min(best, end - start);
    }
  }
  if (best < Number.POSITIVE_INFINITY) {
    return items.filter(
      ({ start, end }) =>
        start !== null && end !== null && start <= offset && offset <= end && end - start === best,
    );
  }
  return items.filter(({ start }) => start !== null && line.from <= start && start <= line.to);
}
