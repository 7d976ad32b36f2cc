/** Texts of the compiler as elements: `code` between backticks, lists after hyphens. */

import { element } from "../elements.ts";
import type { ErrorText, Part } from "../messages.ts";

const LONG = 14;
/** A code of more lines is folded. */

/** Return a text in which backticks mark code. */
export function inline(text: string): (HTMLElement | string)[] {
  return text
    .split(/(`[^`\n]*`)/)
    .filter((piece) => piece !== "")
    .map((piece) => (/^`[^`]*`$/.test(piece) ? element("code", {}, piece.slice(1, -1)) : piece));
}

/** Return lines of text: paragraphs, and lists of the lines that begin with a hyphen. */
export function prose(text: string): HTMLElement {
  const whole = element("div", { class: "prose" });
  let list: HTMLElement | undefined;
  for (const line of text.split("\n").filter((each) => each.trim() !== "")) {
    if (line.startsWith("- ")) {
      list ??= whole.appendChild(element("ul"));
      list.append(element("li", {}, ...inline(line.slice(2))));
    } else {
      list = undefined;
      whole.append(element("p", {}, ...inline(line)));
    }
  }
  return whole;
}

/** Return an error with its notes, and what helps. */
export function failure({ message, notes, helps }: ErrorText): HTMLElement {
  const rest = [...(notes ?? []), ...(helps ?? []).map((help) => `help: ${help}`)];
  return prose([message, ...rest].join("\n"));
}

/** Return an explanation; the pages of the manual in it are folded. */
export function explanation(parts: Part[]): HTMLElement[] {
  return parts.map((part) => {
    if (part.kind === "text") {
      return prose(part.text);
    }
    const rows = part.text.trimEnd().split("\n");
    const code = element("pre", { tabindex: 0 }, rows.join("\n"));
    if (rows.length <= LONG) {
      return code;
    }
    code.textContent = rows.slice(1).join("\n").trim();
    return element("details", {}, element("summary", {}, rows[0] ?? ""), code);
  });
}
