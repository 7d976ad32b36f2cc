/** Completion, hover and folding: what the compiler knows at a place. */

import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from "@codemirror/autocomplete";
import { foldService } from "@codemirror/language";
import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { hoverTooltip } from "@codemirror/view";
import { element } from "../elements.ts";
import type { Candidate, Explained, Folding } from "../messages.ts";
import { explanation } from "../views/prose.ts";

/** What the editor asks about an offset of its text; `undefined` if there is no answer. */
export interface Questions {
  complete(offset: number): Promise<Candidate[] | undefined>;
  hover(offset: number): Promise<Explained | undefined>;
}

/** Return the extensions that show the answers. */
export function assistance(questions: Questions): Extension {
  return [
    autocompletion({
      override: [(context) => completions(context, questions)],
      icons: false,
      maxRenderedOptions: 60,
    }),
    hoverTooltip(async (view, offset) => {
      const answer = await questions.hover(offset);
      if (answer === undefined || answer.parts.length === 0) {
        return null;
      }
      const end = Math.min(answer.end, view.state.doc.length);
      const dom = element("div", { class: "cm-hover" }, ...explanation(answer.parts));
      return { pos: Math.min(answer.start, end), end, above: true, create: () => ({ dom }) };
    }),
    foldings,
  ];
}

async function completions(
  context: CompletionContext,
  questions: Questions,
): Promise<CompletionResult | null> {
  if (!context.explicit && context.matchBefore(/[\w.]$|\|> ?$/) === null) {
    return null;
  }
  const candidates = await questions.complete(context.pos);
  const [first] = candidates ?? [];
  if (candidates === undefined || first === undefined) {
    return null;
  }
  return {
    from: first.start,
    options: candidates.map(option),
    validFor: /^\w*$/,
  };
}

/** What is near the cursor first, then layers, then what is seldom meant. */
const BOOSTS: Record<string, number> = {
  variable: 40,
  binding: 40,
  argument: 40,
  setting: 40,
  column: 40,
  size: 40,
  net: 20,
  block: 20,
  op: 10,
  keyword: -10,
  word: -10,
};

function option({ label, kind, detail, documentation }: Candidate): Completion {
  return {
    label,
    type: kind,
    boost: BOOSTS[kind] ?? 0,
    ...(detail && { detail: detail === label ? kind : detail }),
    ...(documentation && {
      info: () => element("div", { class: "cm-hover" }, element("pre", {}, documentation)),
    }),
  };
}

export const setFoldings = StateEffect.define<Folding[]>();

const foldable = StateField.define<{ from: number; to: number }[]>({
  create: () => [],
  update(ranges, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setFoldings)) {
        const doc = transaction.newDoc;
        const inside = effect.value.filter(({ last_line }) => last_line < doc.lines);
        return inside.map(({ first_line, last_line }) => ({
          from: doc.line(first_line + 1).to,
          to: doc.line(last_line + 1).to,
        }));
      }
    }
    return ranges.map(({ from, to }) => ({
      from: transaction.changes.mapPos(from),
      to: transaction.changes.mapPos(to),
    }));
  },
});

const foldings: Extension = [
  foldable,
  foldService.of((state, from, to) => {
    const range = state.field(foldable).find((each) => from <= each.from && each.from <= to);
    return range !== undefined && range.to > range.from ? range : null;
  }),
];
