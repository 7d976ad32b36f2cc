/** Diagrams of the compiler as elements: only what a diagram needs gets into the page. */

import { svg } from "../elements.ts";
import { adaptive } from "./colors.ts";

const NUMBER = /^-?[\d.]+$/;
const NUMBERS = /^[-\d.,\sMLCHVQZz]+$/;
const COLOR = /^(?:#[0-9a-fA-F]{3,8}|[a-z]+)$/;
const WORD = /^[\w\s-]+$/;

const ATTRIBUTES: Record<string, RegExp> = {
  x: NUMBER,
  y: NUMBER,
  dx: NUMBER,
  dy: NUMBER,
  cx: NUMBER,
  cy: NUMBER,
  r: NUMBER,
  rx: NUMBER,
  ry: NUMBER,
  x1: NUMBER,
  y1: NUMBER,
  x2: NUMBER,
  y2: NUMBER,
  width: NUMBER,
  height: NUMBER,
  viewBox: NUMBERS,
  d: NUMBERS,
  points: NUMBERS,
  "stroke-dasharray": NUMBERS,
  fill: COLOR,
  stroke: COLOR,
  "stroke-width": NUMBER,
  opacity: NUMBER,
  "font-size": NUMBER,
  "font-weight": WORD,
  "font-style": WORD,
  "font-family": WORD,
  "text-anchor": WORD,
  class: WORD,
  "data-box": NUMBER,
};
const ELEMENTS = new Set([
  "svg",
  "g",
  "title",
  "text",
  "tspan",
  "path",
  "polygon",
  "polyline",
  "rect",
  "circle",
  "line",
]);
const COLORED = new Set(["fill", "stroke"]);

/** Return a diagram made of known elements and attributes; throws for what is not SVG. */
export function importDiagram(text: string): SVGSVGElement {
  const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  const made = copied(root);
  if (!(made instanceof SVGSVGElement)) {
    throw new Error("the compiler sent no diagram");
  }
  return made;
}

function copied(source: Element): SVGElement | undefined {
  const name = source.localName;
  if (!ELEMENTS.has(name) || source.namespaceURI !== "http://www.w3.org/2000/svg") {
    return undefined;
  }
  const made: SVGElement = svg(name as "g");
  for (const { name: attribute, value } of source.attributes) {
    if (ATTRIBUTES[attribute]?.test(value)) {
      set(made, attribute, value);
    }
  }
  for (const child of source.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      made.append(child.textContent ?? "");
    } else if (child.nodeType === Node.ELEMENT_NODE) {
      made.append(copied(child as Element) ?? "");
    }
  }
  return made;
}

function set(made: SVGElement, attribute: string, value: string): void {
  made.setAttribute(attribute, value);
  if (COLORED.has(attribute)) {
    made.style.setProperty(`--${attribute}`, adaptive(value));
  }
}
