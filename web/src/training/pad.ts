/** A sheet to draw on: strokes of a pointer, as rows of numbers from 0 (paper) to 1 (ink). */

import { element } from "../elements.ts";
import { type Frame, frame, type Margins } from "./framing.ts";

const LONG_SIDE = 224;

export class Pad {
  readonly canvas: HTMLCanvasElement;
  #last: { x: number; y: number } | undefined;
  #empty = true;

  /**
   * The sheet has the proportions of the input; `margins` are those that the network is used to,
   * and `drawn` is called after each stroke.
   */
  constructor(
    readonly input: Size,
    readonly margins: Margins,
    readonly drawn: () => void,
  ) {
    const scale = LONG_SIDE / Math.max(input.width, input.height);
    this.canvas = element("canvas", {
      class: "pad",
      width: Math.round(input.width * scale),
      height: Math.round(input.height * scale),
      role: "img",
      "aria-label": "A sheet to draw on with the mouse or a finger",
    });
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.#last = this.#point(event);
      this.#stroke(this.#last);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (this.#last !== undefined) {
        this.#stroke(this.#point(event));
      }
    });
    for (const name of ["pointerup", "pointercancel"] as const) {
      this.canvas.addEventListener(name, () => {
        if (this.#last !== undefined) {
          this.#last = undefined;
          this.drawn();
        }
      });
    }
    this.clear();
  }

  get empty(): boolean {
    return this.#empty;
  }

  clear(): void {
    const context = this.#context;
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.#empty = true;
  }

  /** Return the ink, placed as in the samples: rows of numbers, the mean of the pixels of each. */
  ink(): number[][] {
    const { width, height } = this.canvas;
    const data = this.#context.getImageData(0, 0, width, height).data;
    const isInk = (x: number, y: number) => (data[(y * width + x) * 4] ?? 255) < 128;
    const part = frame({ width, height }, isInk, this.margins);
    return averaged(data, { width, height }, part, this.input);
  }

  get #context(): CanvasRenderingContext2D {
    return this.canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  }

  #point(event: PointerEvent): { x: number; y: number } {
    const area = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - area.left) / area.width) * this.canvas.width,
      y: ((event.clientY - area.top) / area.height) * this.canvas.height,
    };
  }

  #stroke(to: { x: number; y: number }): void {
    const context = this.#context;
    const from = this.#last ?? to;
    context.strokeStyle = "#111111";
    context.lineWidth = Math.min(this.canvas.width, this.canvas.height) / 11;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
    this.#last = to;
    this.#empty = false;
  }
}

interface Size {
  width: number;
  height: number;
}

/** Return the darkness of a part of an image at a lower resolution: 0 is white, 1 black. */
export function averaged(data: ArrayLike<number>, from: Size, part: Frame, to: Size): number[][] {
  const bounds = (start: number, size: number, at: number, parts: number) => {
    const first = Math.floor(start + (at * size) / parts);
    return [first, Math.max(Math.floor(start + ((at + 1) * size) / parts), first + 1)] as const;
  };
  const darkness = (x: number, y: number) =>
    x < 0 || y < 0 || x >= from.width || y >= from.height
      ? 0
      : 1 - (data[(y * from.width + x) * 4] ?? 255) / 255;
  return Array.from({ length: to.height }, (_, row) => {
    const [top, bottom] = bounds(part.y, part.height, row, to.height);
    return Array.from({ length: to.width }, (_, column) => {
      const [left, right] = bounds(part.x, part.width, column, to.width);
      let sum = 0;
      for (let y = top; y < bottom; y += 1) {
        for (let x = left; x < right; x += 1) {
          sum += darkness(x, y);
        }
      }
      return Math.round((1000 * sum) / ((bottom - top) * (right - left))) / 1000;
    });
  });
}
