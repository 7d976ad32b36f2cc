/** Curves, pixels and drawings of a run. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { frame, margins } from "../src/training/framing.ts";
import { averaged } from "../src/training/pad.ts";
import { decoded, encoded, rgba } from "../src/training/pixels.ts";
import { label, measured, recent, smoothed, thinned, ticks } from "../src/training/scales.ts";

test("ticks are round and enclose the values", () => {
  assert.deepEqual(ticks(0.13, 2.31, 5), [0, 0.5, 1, 1.5, 2, 2.5]);
  assert.deepEqual(ticks(0, 10, 6), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(0.91, 0.97, 5), [0.9, 0.92, 0.94, 0.96, 0.98]);
  assert.deepEqual(ticks(1, 1, 5), [1, 1.2]);
  for (const value of [0, 1e-12, 3, 1e9]) {
    const found = ticks(value, value, 5);
    assert.ok(found.length >= 2 && (found[0] ?? 1) <= value && (found[1] ?? 0) > value);
  }
});

test("numbers are short", () => {
  assert.deepEqual([label(0.1 + 0.2), label(60_000), label(1e-5)], ["0.3", "60,000", "1e-5"]);
  assert.deepEqual(
    [measured(0.123456), measured(1), measured(null), measured(1.5e-7)],
    ["0.1235", "1", "–", "1.50e-7"],
  );
});

test("a curve is thinned without losing its extremes", () => {
  const points = Array.from({ length: 10_000 }, (_, x) => ({
    x,
    y: x === 4567 ? 99 : Math.sin(x),
  }));
  const kept = thinned(points, 500);
  assert.ok(kept.length <= 500);
  assert.ok(kept.some(({ y }) => y === 99));
  assert.ok(kept.every(({ x }, at) => at === 0 || x > (kept[at - 1]?.x ?? 0)));
  assert.equal(thinned(points.slice(0, 20), 500).length, 20);
});

test("a smooth curve does not lag behind", () => {
  const points = Array.from({ length: 50 }, (_, x) => ({ x, y: 3 * x }));
  assert.deepEqual(smoothed(points, 5).slice(0, 40), points.slice(0, 40));
  assert.deepEqual(smoothed([], 5), []);
  assert.equal(recent(points, 2), 3 * 48.5);
  assert.equal(recent([], 2), undefined);
});

test("bytes survive base64", () => {
  const data = Uint8Array.from({ length: 70_000 }, (_, at) => at % 251);
  assert.deepEqual(decoded(encoded(data)), data);
});

test("images of one, three and four channels become pixels", () => {
  const image = (channels: number, ...values: number[]) => ({
    width: values.length / channels,
    height: 1,
    channels,
    pixels: encoded(Uint8Array.from(values)),
  });
  assert.deepEqual([...rgba(image(1, 7, 9))], [7, 7, 7, 255, 9, 9, 9, 255]);
  assert.deepEqual([...rgba(image(3, 1, 2, 3))], [1, 2, 3, 255]);
  assert.deepEqual([...rgba(image(4, 1, 2, 3, 4))], [1, 2, 3, 4]);
});

test("a drawing is averaged to the size of the input, white outside the sheet", () => {
  const sheet = new Uint8ClampedArray(4 * 4 * 4).fill(255);
  sheet.fill(0, 0, 8); // Two black pixels in the top left corner.
  const size = { width: 4, height: 4 };
  const all = { x: 0, y: 0, width: 4, height: 4 };
  const half = { width: 2, height: 2 };
  assert.deepEqual(averaged(sheet, size, all, half), [
    [0.5, 0],
    [0, 0],
  ]);
  const beyond = { x: -2, y: -2, width: 4, height: 4 };
  assert.deepEqual(averaged(sheet, size, beyond, half), [
    [0, 0],
    [0, 0.5],
  ]);
});

test("a drawing is placed as the samples are", () => {
  const pixels = new Uint8Array(100);
  for (const y of [2, 3, 4, 5, 6, 7]) {
    pixels.fill(255, y * 10 + 3, y * 10 + 6);
  }
  const sample = { width: 10, height: 10, channels: 1, pixels: encoded(pixels) };
  const usual = margins([sample, sample]);
  assert.deepEqual(usual, { across: 0.3, down: 0.2 });
  const drawn = (x: number, y: number) => x >= 60 && x < 66 && y >= 10 && y < 22;
  const part = frame({ width: 100, height: 100 }, drawn, usual);
  assert.deepEqual(part, { x: 53, y: 6, width: 20, height: 20 });
  assert.deepEqual(margins([]), { across: 0, down: 0 });
  const empty = frame({ width: 100, height: 50 }, () => false, usual);
  assert.deepEqual(empty, { x: 0, y: 0, width: 100, height: 50 });
});
