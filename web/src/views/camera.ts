/** Which part of a diagram is in view: panning, zooming, and bringing a box into view. */

export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

/** `scale` is pixels per unit of the diagram; `x` and `y` are its point in the top left corner. */
export interface Camera {
  x: number;
  y: number;
  scale: number;
}

const SMALLEST_READABLE = 0.75;
const LARGEST = 4;
const SMALLEST = 0.05;
const MARGIN = 24;

/** Return the view of a whole diagram, or of its top where the whole is too small to read. */
export function fit(diagram: Size, window: Size): Camera {
  const wide = window.width / diagram.width;
  const whole = Math.min(wide, window.height / diagram.height);
  const scale = Math.min(
    whole >= SMALLEST_READABLE ? whole : Math.max(whole, Math.min(wide, 1)),
    1.25,
  );
  return within({ x: 0, y: 0, scale }, diagram, window);
}

/** Return the view of a whole diagram, however small. */
export function whole(diagram: Size, window: Size): Camera {
  const scale = Math.min(window.width / diagram.width, window.height / diagram.height, 1.25);
  return within({ x: 0, y: 0, scale }, diagram, window);
}

/** Return the view scaled about a point of the window. */
export function zoomed(camera: Camera, factor: number, at: { x: number; y: number }): Camera {
  const scale = Math.min(Math.max(camera.scale * factor, SMALLEST), LARGEST);
  return {
    x: camera.x + at.x / camera.scale - at.x / scale,
    y: camera.y + at.y / camera.scale - at.y / scale,
    scale,
  };
}

/** Return the view moved by pixels of the window. */
export function moved(camera: Camera, across: number, down: number): Camera {
  return { ...camera, x: camera.x + across / camera.scale, y: camera.y + down / camera.scale };
}

/** Return the view with a diagram smaller than the window in the middle, a larger one at its edge. */
export function within(camera: Camera, diagram: Size, window: Size): Camera {
  const axis = (at: number, size: number, length: number) => {
    const shown = length / camera.scale;
    return size <= shown ? (size - shown) / 2 : Math.min(Math.max(at, 0), size - shown);
  };
  return {
    x: axis(camera.x, diagram.width, window.width),
    y: axis(camera.y, diagram.height, window.height),
    scale: camera.scale,
  };
}

/** Return the view in which an area is visible, unchanged if it already is. */
export function showing(camera: Camera, area: Area, diagram: Size, window: Size): Camera {
  const axis = (at: number, start: number, size: number, length: number) => {
    const shown = length / camera.scale;
    const margin = Math.min(MARGIN / camera.scale, Math.max(0, (shown - size) / 2));
    if (start - margin >= at && start + size + margin <= at + shown) {
      return at;
    }
    return start + size / 2 - shown / 2;
  };
  const next = {
    x: axis(camera.x, area.x, area.width, window.width),
    y: axis(camera.y, area.y, area.height, window.height),
    scale: camera.scale,
  };
  return next.x === camera.x && next.y === camera.y ? camera : within(next, diagram, window);
}
