/** Images as bytes on canvases. */

import { element } from "../elements.ts";
import type { Pixels } from "../messages.ts";

/** Return the bytes of a text in base64. */
export function decoded(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Return bytes as text in base64. */
export function encoded(data: Uint8Array): string {
  let text = "";
  for (let start = 0; start < data.length; start += 0x8000) {
    text += String.fromCharCode(...data.subarray(start, start + 0x8000));
  }
  return btoa(text);
}

/** Return pixels with four bytes each, as a canvas requires them, from 1, 3 or 4 channels. */
export function rgba({ width, height, channels, pixels }: Pixels): Uint8ClampedArray<ArrayBuffer> {
  const data = decoded(pixels);
  const result = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < width * height; at += 1) {
    const from = at * channels;
    for (let channel = 0; channel < 3; channel += 1) {
      result[at * 4 + channel] = data[from + (channels >= 3 ? channel : 0)] ?? 0;
    }
    result[at * 4 + 3] = channels === 4 ? (data[from + 3] ?? 0) : 255;
  }
  return result;
}

/** Return a canvas that shows an image with sharp pixels. */
export function imageOf(image: Pixels, description: string): HTMLCanvasElement {
  const { width, height } = image;
  const canvas = element("canvas", {
    width,
    height,
    role: "img",
    "aria-label": description,
    class: "pixels",
  });
  canvas.getContext("2d")?.putImageData(new ImageData(rgba(image), width, height), 0, 0);
  return canvas;
}
