/** How tokens look, and the language that CodeMirror highlights. */

import { HighlightStyle, StreamLanguage } from "@codemirror/language";
import { tags } from "@lezer/highlight";
import { type Rule, type Token, tokenizer } from "./tokens.ts";

const TAGS = {
  documentation: tags.docComment,
  comment: tags.lineComment,
  string: tags.string,
  definer: tags.definitionKeyword,
  definition: tags.definition(tags.function(tags.variableName)),
  import: tags.moduleKeyword,
  "word-operator": tags.operatorKeyword,
  constant: tags.bool,
  keyword: tags.controlKeyword,
  type: tags.typeName,
  duration: tags.number,
  float: tags.number,
  integer: tags.number,
  layer: tags.standard(tags.className),
  function: tags.standard(tags.function(tags.variableName)),
  call: tags.function(tags.variableName),
  member: tags.propertyName,
  argument: tags.attributeName,
  dimension: tags.constant(tags.variableName),
  name: tags.variableName,
  operator: tags.operator,
  punctuation: tags.punctuation,
  illegal: tags.invalid,
};

/** Return the language of programs, for highlighting only: the compiler does the rest. */
export function language(rules: Rule[]): StreamLanguage<{ pending: Token[] }> {
  const tokens = tokenizer(rules);
  return StreamLanguage.define({
    name: "netlang",
    startState: (): { pending: Token[] } => ({ pending: [] }),
    copyState: ({ pending }) => ({ pending: [...pending] }),
    token(stream, state) {
      if (state.pending.length === 0) {
        if (stream.eatSpace()) {
          return null;
        }
        state.pending = tokens(stream.string, stream.pos);
      }
      const next = state.pending.shift() as Token;
      stream.pos = next.end;
      return next.kind;
    },
    tokenTable: TAGS,
    languageData: {
      commentTokens: { line: "#" },
      closeBrackets: { brackets: ["(", "[", "{", '"'] },
    },
  });
}

export const style = HighlightStyle.define([
  { tag: tags.docComment, color: "var(--comment)", fontStyle: "italic" },
  { tag: tags.lineComment, color: "var(--comment)" },
  { tag: tags.string, color: "var(--string)" },
  {
    tag: [tags.definitionKeyword, tags.moduleKeyword, tags.controlKeyword],
    color: "var(--keyword)",
  },
  { tag: tags.operatorKeyword, color: "var(--keyword)" },
  {
    tag: tags.definition(tags.function(tags.variableName)),
    color: "var(--ink)",
    fontWeight: "650",
  },
  { tag: [tags.number, tags.bool], color: "var(--number)" },
  { tag: [tags.typeName, tags.constant(tags.variableName)], color: "var(--type)" },
  { tag: tags.standard(tags.className), color: "var(--layer)" },
  { tag: tags.standard(tags.function(tags.variableName)), color: "var(--function)" },
  { tag: tags.attributeName, color: "var(--soft)" },
  { tag: [tags.operator, tags.punctuation], color: "var(--soft)" },
  { tag: tags.invalid, color: "var(--error)" },
]);
