/** Dividers between the parts of the page, which the mouse or the arrows move. */

/** Which share of the page, in percent, is before a divider: in `--variable` of the body. */
export interface Divider {
  element: HTMLElement;
  variable: string;
  axis: "across" | "down";
  share: number;
  label: string;
}

const [LEAST, MOST] = [15, 85];
const STEP = 4;

/** Let a divider be moved. */
export function movable({ element, variable, axis, share, label }: Divider): void {
  let current = share;
  const set = (next: number) => {
    current = Math.min(Math.max(next, LEAST), MOST);
    document.body.style.setProperty(`--${variable}`, `${current}%`);
    element.setAttribute("aria-valuenow", String(Math.round(current)));
  };
  const attributes = {
    role: "separator",
    tabindex: 0,
    "aria-label": label,
    "aria-orientation": axis === "across" ? "vertical" : "horizontal",
    "aria-valuemin": LEAST,
    "aria-valuemax": MOST,
  };
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  set(share);
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) {
      const area = document.querySelector("main")?.getBoundingClientRect() ?? new DOMRect();
      const across = (event.clientX - area.left) / area.width;
      const down = (event.clientY - area.top) / area.height;
      set(100 * (axis === "across" ? across : down));
    }
  });
  element.addEventListener("keydown", (event) => {
    const [less, more] = axis === "across" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    const by = event.key === less ? -STEP : event.key === more ? STEP : undefined;
    if (by !== undefined) {
      event.preventDefault();
      set(current + by);
    }
  });
  element.addEventListener("dblclick", () => set(share));
}
