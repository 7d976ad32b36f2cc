/** A document for tests: what the page uses of a browser, without one. */

import { Window } from "happy-dom";

const window = new Window();

export const document = window.document as unknown as Document;

Object.assign(globalThis, {
  document,
  DOMParser: window.DOMParser,
  Node: window.Node,
  Element: window.Element,
  SVGElement: window.SVGElement,
  SVGSVGElement: window.SVGSVGElement,
});
