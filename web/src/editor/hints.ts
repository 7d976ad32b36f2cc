/** Shapes and parameter names inside the lines, and counts above definitions. */

import { type Extension, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import { button, element } from "../elements.ts";
import type { Hint, Lens } from "../messages.ts";

class HintWidget extends WidgetType {
  constructor(readonly hint: Hint) {
    super();
  }

  override eq(other: HintWidget): boolean {
    return other.hint.text === this.hint.text && other.hint.kind === this.hint.kind;
  }

  override toDOM(): HTMLElement {
    const { kind, text, types } = this.hint;
    const title = types !== undefined && types.length > 1 ? types.join("\n") : undefined;
    return element("span", { class: `cm-hint cm-hint-${kind}`, title }, text);
  }

  /** A click on a hint puts the cursor next to it. */
  override ignoreEvent(): boolean {
    return false;
  }
}

class LensWidget extends WidgetType {
  constructor(
    readonly lenses: Lens[],
    readonly run: (lens: Lens) => void,
  ) {
    super();
  }

  override eq(other: LensWidget): boolean {
    return JSON.stringify(other.lenses) === JSON.stringify(this.lenses);
  }

  override toDOM(): HTMLElement {
    // The tabs next to the text do the same by keyboard.
    const offers = this.lenses.map((lens) =>
      button(lens.command === "train" ? "▷ train" : lens.title, () => this.run(lens), {
        tabindex: -1,
      }),
    );
    return element("div", { class: "cm-lens" }, ...offers);
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

/** What is shown between the characters of a text. */
export interface Annotations {
  hints: Hint[];
  lenses: Lens[];
}

export const annotate = StateEffect.define<Annotations>();

/** Return the extension that shows annotations; `run` does what a lens offers. */
export function annotations(run: (lens: Lens) => void): Extension {
  return StateField.define<DecorationSet>({
    create: () => Decoration.none,
    update(shown, transaction) {
      let next = shown.map(transaction.changes);
      for (const effect of transaction.effects) {
        if (effect.is(annotate)) {
          next = decorations(
            effect.value,
            transaction.newDoc.length,
            (offset) => transaction.newDoc.lineAt(offset).from,
            run,
          );
        }
      }
      return next;
    },
    provide: (field) => EditorView.decorations.from(field),
  });
}

function decorations(
  { hints, lenses }: Annotations,
  length: number,
  lineStart: (offset: number) => number,
  run: (lens: Lens) => void,
): DecorationSet {
  const places: { at: number; side: number; decoration: Decoration }[] = [];
  for (const hint of hints) {
    if (hint.offset <= length) {
      const side = hint.kind === "type" ? 1 : -1;
      const decoration = Decoration.widget({ widget: new HintWidget(hint), side });
      places.push({ at: hint.offset, side, decoration });
    }
  }
  for (const [at, together] of grouped(lenses, length, lineStart)) {
    const widget = new LensWidget(together, run);
    const decoration = Decoration.widget({ widget, side: -2, block: true });
    places.push({ at, side: -2, decoration });
  }
  const builder = new RangeSetBuilder<Decoration>();
  places.sort((a, b) => a.at - b.at || a.side - b.side);
  for (const { at, decoration } of places) {
    builder.add(at, at, decoration);
  }
  return builder.finish();
}

function grouped(lenses: Lens[], length: number, lineStart: (offset: number) => number) {
  const byLine = new Map<number, Lens[]>();
  for (const lens of lenses.filter(({ offset }) => offset <= length)) {
    const at = lineStart(lens.offset);
    byLine.set(at, [...(byLine.get(at) ?? []), lens]);
  }
  return byLine;
}
