/** Tokens of a line, by the table that all highlighters are made from. */

/** What follows each other: expressions and the kinds of what they match, `null` for blanks. */
export type Rule = [pattern: string, kind: string | null][];

/** A token ends at `end` and begins where the one before it ends. */
export interface Token {
  end: number;
  kind: string | null;
}

/** Return a function that finds the tokens that begin at an offset of a line. */
export function tokenizer(rules: Rule[]): (line: string, at: number) => Token[] {
  const compiled = rules.map((rule) => ({
    pattern: new RegExp(rule.map(([pattern]) => `(${pattern})`).join(""), "y"),
    kinds: rule.map(([, kind]) => kind),
  }));
  return (line, at) => {
    for (const { pattern, kinds } of compiled) {
      pattern.lastIndex = at;
      const match = pattern.exec(line);
      if (match !== null && match[0] !== "") {
        let end = at;
        return kinds.map((kind, number) => {
          end += match[number + 1]?.length ?? 0;
          return { end, kind };
        });
      }
    }
    return [{ end: at + 1, kind: null }];
  };
}
