/** HTML that cannot be broken by a name: every text that is put into a template is escaped. */

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

export type Content = Markup | string | number | null | undefined | false | readonly Content[];

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  // a control character has no place in HTML, and must not reach a terminal that shows the source
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c]!).replace(/(?!\n|\t)\p{Cc}/gu, " ");
}

/** A template whose holes are escaped, but for markup. Attributes need their quotes. */
export function html(texts: TemplateStringsArray, ...holes: Content[]): Markup {
  return new Markup(texts.reduce((all, text, i) => all + inner(holes[i - 1]) + text));
}

function inner(content: Content): string {
  if (content === null || content === undefined || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (Array.isArray(content)) return content.map(inner).join("");
  return escapeHtml(String(content));
}

/** Data inside a script element: no text in it can end the element. */
export function embeddedJson(value: unknown): Markup {
  const escapes: Record<string, string> = { "<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029" };
  return new Markup(JSON.stringify(value).replace(/[<\u2028\u2029]/g, (c) => escapes[c]!));
}
