/** Curves of a run in progress: one chart for each metric. */

import { element, svg } from "../elements.ts";
import type { Epoch, Measures, Step } from "../messages.ts";
import { label, measured, type Point, recent, smoothed, thinned, ticks } from "./scales.ts";

const WIDTH = 330;
const HEIGHT = 190;
const INSET = { left: 42, right: 10, top: 10, bottom: 26 };
const SMOOTHING = 60;
/** The steps are split into this many parts; a value of the smooth curve is the mean of one on each side. */
const MOST = 500;
const LATEST = 20;

interface Series {
  steps: Point[];
  train: Point[];
  valid: Point[];
}

export class Curves {
  readonly #series = new Map<string, Series>();
  #last = 1;
  #perEpoch: number | null = null;
  #scheduled = false;

  constructor(readonly host: HTMLElement) {}

  /** Forget the curves; `steps` is where they will end, if that is known. */
  start(steps: number | null, perEpoch: number | null): void {
    this.#series.clear();
    this.#last = steps ?? 1;
    this.#perEpoch = perEpoch;
    this.host.replaceChildren();
  }

  addSteps(points: Step[]): void {
    for (const { step, train } of points) {
      this.#add("steps", step, train);
    }
    this.#redraw();
  }

  addEpoch({ step, train, valid }: Epoch): void {
    this.#add("train", step, train);
    this.#add("valid", step, valid ?? {});
    this.#redraw();
  }

  #add(kind: keyof Series, step: number, measures: Measures): void {
    this.#last = Math.max(this.#last, step);
    for (const [name, value] of Object.entries(measures)) {
      const series = this.#series.get(name) ?? { steps: [], train: [], valid: [] };
      this.#series.set(name, series);
      if (typeof value === "number") {
        series[kind].push({ x: step, y: value });
      }
    }
  }

  /** Draw at the next frame: many points may come before it. */
  #redraw(): void {
    if (this.#scheduled) {
      return;
    }
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      const charts = [...this.#series].map(([name, series]) => this.#chart(name, series));
      this.host.replaceChildren(...charts);
    });
  }

  #chart(name: string, series: Series): HTMLElement {
    const curve = smoothed(series.steps, Math.ceil(series.steps.length / SMOOTHING));
    const shown = [...curve, ...series.train, ...series.valid];
    const values = shown.map(({ y }) => y);
    const rows = ticks(Math.min(...values), Math.max(...values), 5);
    const [low, high] = [rows[0] ?? 0, rows[rows.length - 1] ?? 1];
    const at = {
      x: (x: number) => INSET.left + (x / this.#last) * (WIDTH - INSET.left - INSET.right),
      y: (y: number) =>
        HEIGHT - INSET.bottom - ((y - low) / (high - low)) * (HEIGHT - INSET.top - INSET.bottom),
    };
    const latest = summary(series);
    const chart = svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${name}: ${latest}` },
      ...this.#axes(rows, at),
      line(thinned(inside(series.steps, low, high), MOST), at, "noise"),
      line(thinned(curve, MOST), at, "train"),
      line(series.train, at, series.steps.length > 0 ? "dots train" : "train"),
      line(series.valid, at, "valid"),
      // A line through one point is not visible.
      ...(curve.length === 1 ? curve.map((point) => dot(point, at, "train")) : []),
      ...series.valid.map((point) => dot(point, at, "valid")),
    );
    const legend = element(
      "figcaption",
      {},
      element("strong", {}, name),
      element(
        "span",
        { class: "key train" },
        `training ${measured(last(series.train) ?? recent(series.steps, LATEST))}`,
      ),
      series.valid.length > 0 &&
        element("span", { class: "key valid" }, `validation ${measured(last(series.valid))}`),
    );
    return element("figure", { class: "curve" }, legend, chart);
  }

  /** Return the grid: a line for each tick, and epochs across where there are few. */
  #axes(rows: number[], at: Axes): SVGElement[] {
    const epochs = this.#perEpoch === null ? undefined : this.#last / this.#perEpoch;
    const byEpoch = epochs !== undefined && epochs >= 1.5;
    const unit = byEpoch ? (this.#perEpoch ?? 1) : 1;
    const most = this.#last / unit;
    const columns = ticks(0, most, 6).filter((x) => x <= most * 1.001 && Number.isInteger(x));
    const [bottom, right] = [HEIGHT - INSET.bottom, WIDTH - INSET.right];
    const horizontal = rows.flatMap((y) => [
      svg("line", { class: "grid", x1: INSET.left, x2: right, y1: at.y(y), y2: at.y(y) }),
      svg("text", { x: INSET.left - 8, y: at.y(y) + 4, "text-anchor": "end" }, label(y)),
    ]);
    const vertical = columns.map((x) =>
      svg("text", { x: at.x(x * unit), y: bottom + 18, "text-anchor": "middle" }, label(x)),
    );
    const name = byEpoch ? "epoch" : "step";
    const corner = { class: "axis", x: INSET.left - 8, y: bottom + 18, "text-anchor": "end" };
    const title = svg("text", corner, name);
    return [...horizontal, ...vertical, title];
  }
}

interface Axes {
  x: (x: number) => number;
  y: (y: number) => number;
}

function inside(points: Point[], low: number, high: number): Point[] {
  return points.map(({ x, y }) => ({ x, y: Math.min(Math.max(y, low), high) }));
}

function line(points: Point[], at: Axes, kind: string): SVGElement {
  const path = points.map(({ x, y }) => `${at.x(x).toFixed(1)} ${at.y(y).toFixed(1)}`).join("L");
  return svg("path", { class: `line ${kind}`, d: path === "" ? undefined : `M${path}` });
}

function dot({ x, y }: Point, at: Axes, kind: string): SVGElement {
  return svg("circle", { class: kind, cx: at.x(x), cy: at.y(y), r: 2.6 });
}

function last(points: Point[]): number | undefined {
  return points[points.length - 1]?.y;
}

function summary({ steps, train, valid }: Series): string {
  const value = last(train) ?? recent(steps, LATEST);
  const checked = valid.length > 0 ? `, validation ${measured(last(valid))}` : "";
  return `training ${measured(value)}${checked}`;
}
