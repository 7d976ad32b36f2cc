/** The diagram of a net: it follows the cursor, and a click on a box goes to its line. */

import { button, element } from "../elements.ts";
import type { Box, Direction, Drawn } from "../messages.ts";
import { type Camera, fit, moved, type Size, showing, whole, within, zoomed } from "./camera.ts";
import { nearest } from "./places.ts";
import { importDiagram } from "./svg.ts";

const STEP = 60;

export class DiagramView {
  readonly #window = element("div", { class: "diagram-window" });
  readonly #message = element("p", { class: "empty" });
  #diagram: SVGSVGElement | undefined;
  #size: Size = { width: 1, height: 1 };
  #camera: Camera = { x: 0, y: 0, scale: 1 };
  #untouched = true;
  #drawn: Drawn | undefined;
  #current: Element[] = [];
  readonly #pointers = new Map<number, { x: number; y: number }>();
  #dragged = false;

  readonly #depth = element("select", { "aria-label": "Levels of blocks" });
  readonly #direction = element("button", { type: "button" });

  /** `choose` is called with the box that is clicked, `changed` when another diagram is wanted. */
  constructor(
    host: HTMLElement,
    readonly choose: (box: Box) => void,
    readonly changed: () => void,
  ) {
    const middle = () => ({ x: this.#shown.width / 2, y: this.#shown.height / 2 });
    const zoom = (factor: number) => () => this.#look(zoomed(this.#camera, factor, middle()));
    const tools = element(
      "div",
      { class: "diagram-tools", role: "toolbar", "aria-label": "Diagram" },
      element("label", {}, "levels", this.#depth),
      this.#direction,
      button("−", zoom(1 / 1.25), { "aria-label": "Zoom out", title: "Zoom out (−)" }),
      button("+", zoom(1.25), { "aria-label": "Zoom in", title: "Zoom in (+)" }),
      button("Fit", () => this.#look(whole(this.#size, this.#shown)), { title: "Show all (0)" }),
    );
    host.append(this.#window, tools);
    this.#window.append(this.#message);
    this.#choices();
    this.#listen(zoom, middle);
    new ResizeObserver(() => this.#resized()).observe(this.#window);
  }

  /** How to draw: to which depth blocks are shown, and where data flows. */
  get look(): { depth?: number; direction: Direction } {
    const depth = Number(this.#depth.value);
    const direction = this.#direction.dataset.direction === "right" ? "right" : "down";
    return depth > 0 ? { depth, direction } : { direction };
  }

  #choices(): void {
    for (const level of ["auto", 1, 2, 3, 4, 5]) {
      this.#depth.append(element("option", { value: level === "auto" ? 0 : level }, String(level)));
    }
    const turn = (direction: Direction) => {
      this.#direction.dataset.direction = direction;
      this.#direction.textContent = direction === "down" ? "↓" : "→";
      this.#direction.title = `Data flows ${direction === "down" ? "down" : "to the right"}`;
      this.#direction.ariaLabel = this.#direction.title;
    };
    turn("down");
    const again = () => {
      this.#untouched = true;
      this.changed();
    };
    this.#depth.addEventListener("change", again);
    this.#direction.addEventListener("click", () => {
      turn(this.look.direction === "down" ? "right" : "down");
      again();
    });
  }

  /** Show a diagram; the view stays if it is another one of the same net. */
  show(drawn: Drawn): void {
    const same = this.#drawn?.name === drawn.name;
    if (same && this.#drawn?.svg === drawn.svg) {
      this.#drawn = drawn;
      return;
    }
    const diagram = importDiagram(drawn.svg);
    const box = diagram.viewBox.baseVal;
    this.#size = { width: box.width, height: box.height };
    this.#drawn = drawn;
    this.#diagram?.remove();
    this.#message.textContent = "";
    this.#diagram = diagram;
    this.#prepare(diagram, drawn);
    this.#window.append(diagram);
    this.#untouched = this.#untouched || !same;
    this.#look(this.#untouched ? fit(this.#size, this.#shown) : this.#camera, false);
  }

  /** Show a sentence in place of a diagram. */
  clear(message: string): void {
    this.#diagram?.remove();
    this.#diagram = undefined;
    this.#drawn = undefined;
    this.#message.textContent = message;
  }

  /** Mark the boxes that the cursor is at, and bring the first of them into view. */
  follow(offset: number, line: { from: number; to: number }): void {
    for (const old of this.#current) {
      old.classList.remove("current");
    }
    const boxes = nearest(this.#drawn?.boxes ?? [], offset, line);
    this.#current = boxes.flatMap(({ number }) => {
      const group = this.#diagram?.querySelector(`[data-box="${number}"]`);
      return group instanceof SVGGElement ? [group] : [];
    });
    for (const group of this.#current) {
      group.classList.add("current");
    }
    const [first] = this.#current;
    if (first instanceof SVGGElement && this.#shown.width > 0) {
      const next = showing(this.#camera, first.getBBox(), this.#size, this.#shown);
      if (next !== this.#camera) {
        this.#look(next, this.#untouched === false);
      }
    }
  }

  get #shown(): Size {
    return { width: this.#window.clientWidth, height: this.#window.clientHeight };
  }

  /** Make the boxes of a diagram reachable by keyboard: one by tab, the others by arrows. */
  #prepare(diagram: SVGSVGElement, drawn: Drawn): void {
    diagram.removeAttribute("width");
    diagram.removeAttribute("height");
    diagram.setAttribute("role", "group");
    diagram.setAttribute("aria-label", `Diagram of ${drawn.name}`);
    const boxes = new Map(drawn.boxes.map((box) => [box.number, box]));
    let first = true;
    for (const group of diagram.querySelectorAll<SVGGElement>("g[data-box]")) {
      const box = boxes.get(Number(group.dataset.box));
      if (box === undefined) {
        continue;
      }
      group.setAttribute("tabindex", first ? "0" : "-1");
      group.setAttribute("role", "button");
      group.setAttribute("aria-label", box.tooltip);
      group.classList.toggle("linked", box.start !== null);
      first = false;
    }
  }

  #box(target: EventTarget | null): Box | undefined {
    const group = target instanceof Element ? target.closest<SVGGElement>("g[data-box]") : null;
    const number = Number(group?.dataset.box);
    return this.#drawn?.boxes.find((box) => box.number === number);
  }

  #look(camera: Camera, byHand = true): void {
    const { width, height } = this.#shown;
    if (this.#diagram === undefined || width === 0 || height === 0) {
      return; // It is not visible: once it is, its size changes.
    }
    this.#camera = within(camera, this.#size, this.#shown);
    this.#untouched = this.#untouched && !byHand;
    const { x, y, scale } = this.#camera;
    this.#diagram.setAttribute("viewBox", `${x} ${y} ${width / scale} ${height / scale}`);
  }

  #resized(): void {
    this.#look(this.#untouched ? fit(this.#size, this.#shown) : this.#camera, false);
  }

  #listen(zoom: (factor: number) => () => void, middle: () => { x: number; y: number }): void {
    const area = this.#window;
    area.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    area.addEventListener("pointerdown", (event) => this.#press(event));
    area.addEventListener("pointermove", (event) => this.#drag(event));
    for (const name of ["pointerup", "pointercancel"] as const) {
      area.addEventListener(name, (event) => this.#pointers.delete(event.pointerId));
    }
    area.addEventListener("click", (event) => {
      const box = this.#box(event.target);
      if (box !== undefined && !this.#dragged) {
        this.choose(box);
      }
    });
    const keys: Record<string, () => void> = {
      "+": zoom(1.25),
      "=": zoom(1.25),
      "-": zoom(1 / 1.25),
      "0": () => this.#look(whole(this.#size, this.#shown)),
      PageDown: () => this.#look(moved(this.#camera, 0, 2 * middle().y - STEP)),
      PageUp: () => this.#look(moved(this.#camera, 0, STEP - 2 * middle().y)),
    };
    area.addEventListener("keydown", (event) => {
      const action = keys[event.key] ?? this.#step(event);
      if (action !== undefined && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        action();
      }
    });
  }

  /** Return what an arrow or Enter does: the next box in the order of the diagram, or its line. */
  #step(event: KeyboardEvent): (() => void) | undefined {
    const box = this.#box(event.target);
    const groups = [...(this.#diagram?.querySelectorAll<SVGGElement>("g[data-box]") ?? [])];
    const at = groups.findIndex((group) => Number(group.dataset.box) === box?.number);
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (by !== undefined && groups.length > 0) {
      return () => {
        const next = groups[Math.min(Math.max(at + by, 0), groups.length - 1)];
        groups[at]?.setAttribute("tabindex", "-1");
        next?.setAttribute("tabindex", "0");
        next?.focus({ preventScroll: true });
        if (next !== undefined) {
          this.#look(showing(this.#camera, next.getBBox(), this.#size, this.#shown));
        }
      };
    }
    if ((event.key === "Enter" || event.key === " ") && box !== undefined) {
      return () => this.choose(box);
    }
    return undefined;
  }

  #wheel(event: WheelEvent): void {
    if (this.#diagram === undefined) {
      return;
    }
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      const corner = this.#window.getBoundingClientRect();
      const at = { x: event.clientX - corner.left, y: event.clientY - corner.top };
      this.#look(zoomed(this.#camera, Math.exp(-event.deltaY / 300), at));
    } else {
      this.#look(moved(this.#camera, event.deltaX, event.deltaY));
    }
  }

  #press(event: PointerEvent): void {
    this.#dragged = false;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  /** One pointer pans, two pinch. */
  #drag(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) {
      return;
    }
    const now = { x: event.clientX, y: event.clientY };
    if (Math.hypot(now.x - before.x, now.y - before.y) < 4 && !this.#dragged) {
      return;
    }
    if (!this.#dragged) {
      this.#window.setPointerCapture(event.pointerId);
    }
    this.#dragged = true;
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    if (other === undefined) {
      this.#look(moved(this.#camera, before.x - now.x, before.y - now.y));
    } else {
      const corner = this.#window.getBoundingClientRect();
      const apart = (point: { x: number; y: number }) =>
        Math.max(Math.hypot(point.x - other.x, point.y - other.y), 1);
      const at = { x: (now.x + other.x) / 2 - corner.left, y: (now.y + other.y) / 2 - corner.top };
      this.#look(zoomed(this.#camera, apart(now) / apart(before), at));
    }
  }
}
