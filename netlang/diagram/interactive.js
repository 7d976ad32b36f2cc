// Blocks of a diagram that open and close. Opening one stretches the plane around its box: every
// coordinate moves by a function that only grows, so nothing overlaps that did not before.
(root) => {
  const NS = "http://www.w3.org/2000/svg";
  const PAD = 12;
  const STRIP = 24;
  const numbers = (text) => text.split(" ").map(Number);
  const make = (name, attributes) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  /** Return a function that moves coordinates so that each band is as long as it must be. */
  const stretch = (bands) => {
    const ends = [...new Set(bands.flatMap(([start, end]) => [start, end]))].sort((a, b) => a - b);
    const moved = [];
    for (const [at, end] of ends.entries()) {
      let least = at === 0 ? end : moved[at - 1] + end - ends[at - 1];
      for (const [start, stop, length] of bands) {
        if (stop === end) least = Math.max(least, moved[ends.indexOf(start)] + length);
      }
      moved.push(least);
    }
    return (x) => {
      const at = ends.findIndex((end) => end >= x);
      if (at === 0 || ends.length === 0) return x;
      const last = ends.length - 1;
      if (at < 0) return moved[last] + x - ends[last];
      const share = (x - ends[at - 1]) / (ends[at] - ends[at - 1]);
      return moved[at - 1] + share * (moved[at] - moved[at - 1]);
    };
  };

  /** Read the frames, edges and boxes of a drawing, or of what is in a block. */
  const read = (element) => {
    const of = (kind) => [...element.querySelectorAll(`:scope > g.${kind}`)];
    const area = (group) => numbers(group.dataset.area);
    const scene = {
      size: area(element).slice(2),
      frames: of("frame").map((group) => ({ group, area: area(group) })),
      still: of("still").map((group) => ({ group, area: area(group) })),
      edges: of("edge").map((group) => {
        const path = group.querySelector("path");
        const head = group.querySelector("polygon");
        return {
          path, head, d: path.getAttribute("d"), points: head?.getAttribute("points"),
          source: group.dataset.from, target: group.dataset.to, group,
        };
      }),
      boxes: new Map(),
    };
    for (const group of of("box")) {
      const shown = { group, area: area(group), block: group.dataset.block, inner: null };
      scene.boxes.set(group.dataset.box, shown);
      prepare(shown, scene);
    }
    return scene;
  };

  const prepare = (box, scene) => {
    const { group } = box;
    const title = group.querySelector(":scope > title");
    const text = title?.textContent ?? "";
    title?.remove();
    group.setAttribute("aria-label", text);
    if (box.block) {
      group.setAttribute("tabindex", "0");
      group.setAttribute("role", "button");
      group.setAttribute("aria-expanded", "false");
      const toggle = (event) => {
        event.stopPropagation();
        event.preventDefault();
        open(box, box.inner === null);
        update();
      };
      group.addEventListener("click", toggle);
      group.addEventListener("keydown", (event) => {
        if (event.target === group && (event.key === "Enter" || event.key === " ")) toggle(event);
      });
    }
    const number = group.dataset.box;
    group.addEventListener("pointermove", (event) => {
      event.stopPropagation();
      hint(box.block ? `${text}\n${box.inner ? "click to close" : "click to open"}` : text, event);
    });
    group.addEventListener("pointerleave", () => hint("", null));
    for (const [name, on] of [["pointerenter", true], ["pointerleave", false]]) {
      group.addEventListener(name, () => {
        for (const edge of scene.edges) {
          if (edge.source === number || edge.target === number) {
            edge.group.classList.toggle("lit", on);
          }
        }
      });
    }
  };

  const open = (box, wanted) => {
    const content = root.querySelector(`template[data-key="${box.block}"]`);
    if (!box.block || content === null || wanted === (box.inner !== null)) return;
    box.group.setAttribute("aria-expanded", String(wanted));
    if (!wanted) {
      box.opened.remove();
      box.inner = null;
      return;
    }
    const inside = content.content.querySelector("g").cloneNode(true);
    box.border = make("rect", { rx: 7, class: "border" });
    box.label = make("text", { "font-size": 11, "font-weight": "bold" });
    box.label.textContent = `${box.group.dataset.label}  –`;
    box.opened = make("g", { class: "opened" });
    box.opened.append(box.border, box.label, inside);
    inside.addEventListener("click", (event) => event.stopPropagation());
    box.group.append(box.opened);
    box.content = inside;
    box.inner = read(inside);
  };

  /** Place everything in a scene, and return its size. */
  const place = (scene) => {
    const across = [];
    const along = [];
    for (const box of scene.boxes.values()) {
      if (box.inner === null) continue;
      const [x, y, width, height] = box.area;
      box.needs = place(box.inner);
      const label = box.label.textContent.length * 6.5 + 2 * PAD;
      across.push([x, x + width, Math.max(width, box.needs[0] + 2 * PAD, label)]);
      along.push([y, y + height, Math.max(height, box.needs[1] + STRIP + PAD)]);
    }
    const [h, v] = [stretch(across), stretch(along)];
    for (const { group, area: [x, y, width, height] } of scene.frames) {
      const rectangle = group.querySelector("rect");
      for (const [name, value] of Object.entries({
        x: h(x), y: v(y), width: h(x + width) - h(x), height: v(y + height) - v(y),
      })) rectangle.setAttribute(name, value);
      group.querySelector("text").setAttribute("transform", `translate(${h(x) - x},${v(y) - y})`);
    }
    for (const { group, area: [x, y] } of scene.still) {
      group.setAttribute("transform", `translate(0,${v(y) - y})`);
    }
    for (const box of scene.boxes.values()) seat(box, h, v);
    for (const edge of scene.edges) lead(edge, scene, h, v);
    return [h(scene.size[0]), v(scene.size[1])];
  };

  /** Place a box in the middle of where it was, or the border and the content of an open one. */
  const seat = (box, h, v) => {
    const [x, y, width, height] = box.area;
    const isOpen = box.inner !== null;
    box.moved = isOpen
      ? null
      : [h(x + width / 2) - x - width / 2, v(y + height / 2) - y - height / 2];
    for (const part of box.group.children) {
      if (part === box.opened) continue;
      part.setAttribute("transform", isOpen ? "" : `translate(${box.moved})`);
      part.style.display = isOpen ? "none" : "";
    }
    if (!isOpen) return;
    const [left, top] = [h(x), v(y)];
    const [wide, high] = [h(x + width) - left, v(y + height) - top];
    for (const [name, value] of Object.entries({ x: left, y: top, width: wide, height: high })) {
      box.border.setAttribute(name, value);
    }
    box.label.setAttribute("x", left + 10);
    box.label.setAttribute("y", top + 16);
    const room = [(wide - box.needs[0]) / 2, (high - STRIP - PAD - box.needs[1]) / 2 + STRIP];
    box.content.setAttribute("transform", `translate(${left + room[0]},${top + room[1]})`);
  };

  /** Move the points of an edge, and its ends to the boxes that moved less. */
  const lead = (edge, scene, h, v) => {
    const pairs = [...edge.d.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)];
    const end = ([, x, y], number) => {
      const moved = scene.boxes.get(number)?.moved;
      return moved ? [Number(x) + moved[0], Number(y) + moved[1]] : [h(Number(x)), v(Number(y))];
    };
    const [from, to] = [end(pairs[0], edge.source), end(pairs.at(-1), edge.target)];
    const d = edge.d.replace(
      /(-?[\d.]+) (-?[\d.]+)/g,
      (_, x, y) => `${h(Number(x))} ${v(Number(y))}`,
    );
    edge.path.setAttribute("d", `M${from.join(" ")}L${d.slice(1)}L${to.join(" ")}`);
    if (edge.head) {
      const corners = edge.points.split(" ").map((point) => point.split(",").map(Number));
      const shift = [to[0] - corners[0][0], to[1] - corners[0][1]];
      const points = corners.map(([x, y]) => `${x + shift[0]},${y + shift[1]}`);
      edge.head.setAttribute("points", points.join(" "));
    }
  };

  const tip = root.querySelector(".tip");
  const hint = (text, event) => {
    tip.hidden = text === "";
    tip.textContent = text;
    if (event === null) return;
    const corner = root.getBoundingClientRect();
    const left = Math.min(event.clientX - corner.left + 14, corner.width - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${event.clientY - corner.top + 18}px`;
  };

  const views = [...root.querySelectorAll("svg.netlang")].map((svg) => ({
    svg, scene: read(svg), ground: svg.querySelector(":scope > rect"),
  }));
  let view = views[0];
  const update = () => {
    for (const each of views) each.svg.style.display = each === view ? "" : "none";
    const size = place(view.scene).map(Math.ceil);
    view.svg.setAttribute("viewBox", `0 0 ${size.join(" ")}`);
    view.svg.setAttribute("width", size[0]);
    view.svg.setAttribute("height", size[1]);
    view.ground.setAttribute("width", size[0]);
    view.ground.setAttribute("height", size[1]);
  };
  const all = (scene, wanted, left = { boxes: 600 }) => {
    for (const box of scene.boxes.values()) {
      if (left.boxes <= 0) return;
      left.boxes -= 1;
      open(box, wanted);
      if (box.inner !== null) all(box.inner, wanted, left);
    }
  };
  const actions = {
    open: () => all(view.scene, true),
    close: () => {
      all(view.scene, false);
      view = views.at(-1);
      all(view.scene, false);
    },
    page: () => {
      view = views[0];
      all(view.scene, false);
    },
  };
  for (const button of root.querySelectorAll("button[data-action]")) {
    button.addEventListener("click", () => {
      actions[button.dataset.action]();
      update();
    });
  }
  root.querySelector(".tools").hidden = false;
  update();
}
