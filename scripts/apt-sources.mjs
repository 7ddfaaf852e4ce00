// Edits of apt's source files as text in, text out. Adds a suite beside one that is there, from the same mirror, so
// no host name is ever written here.

/**
 * Adds `suite` to the Debian archive's own entry for `release`.
 *
 * @param {{ path: string, text: string }[]} files every source file, deb822 (.sources) and one-line (.list)
 * @param {string} release "bookworm"
 * @param {string} suite "bookworm-backports"
 * @returns {{ change: null | { path: string, text: string }, present: boolean }} `present`: it is there already;
 *   both unset: no entry of the archive was found
 */
export function addSuite(files, release, suite) {
  const entries = files.flatMap(({ path, text }) => entriesOf(path, text));
  const binaries = entries.filter((entry) => entry.enabled && entry.types.includes("deb"));
  if (binaries.some((entry) => entry.suites.includes(suite) && archiveScore(entry) > 0)) {
    return { change: null, present: true };
  }
  const candidates = binaries
    .filter((entry) => entry.suites.includes(release) && entry.components.includes("main"))
    .map((entry) => ({ entry, score: archiveScore(entry) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
  if (candidates.length === 0) return { change: null, present: false };
  const { entry } = candidates[0];
  const { path, text } = files.find((file) => file.path === entry.path);
  return { change: { path, text: entry.withSuite(text, suite) }, present: false };
}

/** How surely an entry is the distribution's archive; other repositories may have a suite of the same name. */
function archiveScore({ path, uris, signedBy }) {
  let score = 0;
  if (uris.some((uri) => /\/debian\/?$/.test(uri))) score += 2;
  if (/debian-archive-keyring/.test(signedBy)) score += 2;
  if (score > 0 && /(debian\.sources|sources\.list)$/.test(path)) score += 1;
  return score;
}

/** The entries of one file, each with a way to write the file anew with one more suite in that entry. */
export function entriesOf(path, text) {
  return path.endsWith(".sources") ? deb822Entries(path, text) : oneLineEntries(path, text);
}

function deb822Entries(path, text) {
  const lines = text.split("\n");
  const entries = [];
  let stanza = new Map();
  let field = null;
  const close = () => {
    if (stanza.size > 0) entries.push(deb822Entry(path, stanza));
    stanza = new Map();
    field = null;
  };
  lines.forEach((line, i) => {
    if (line.startsWith("#")) return; // comments may stand anywhere, even inside a field
    if (line.trim() === "") {
      close();
      return;
    }
    if (/^\s/.test(line)) {
      if (field) {
        field.value += ` ${line.trim()}`;
        field.lastLine = i;
      }
      return;
    }
    const colon = line.indexOf(":");
    if (colon < 0) return;
    field = { value: line.slice(colon + 1).trim(), lastLine: i };
    stanza.set(line.slice(0, colon).trim().toLowerCase(), field);
  });
  close();
  return entries;
}

function deb822Entry(path, stanza) {
  const words = (name) => (stanza.get(name)?.value ?? "").split(/\s+/).filter(Boolean);
  const { lastLine } = stanza.get("suites") ?? { lastLine: -1 };
  return {
    path,
    enabled: !/^(no|false|without|off|disable|0)$/i.test(stanza.get("enabled")?.value ?? "yes"),
    types: words("types"),
    uris: words("uris"),
    suites: words("suites"),
    components: words("components"),
    signedBy: stanza.get("signed-by")?.value ?? "",
    withSuite: (text, suite) =>
      text
        .split("\n")
        .map((line, i) => (i === lastLine ? `${line.trimEnd()} ${suite}` : line))
        .join("\n"),
  };
}

function oneLineEntries(path, text) {
  const pattern = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/;
  return text.split("\n").flatMap((line, i) => {
    const match = pattern.exec(line);
    if (!match) return [];
    const [, type, options = "", uri, suite, components] = match;
    return [
      {
        path,
        enabled: true,
        types: [type],
        uris: [uri],
        suites: [suite],
        components: components.trim().split(/\s+/),
        signedBy: /signed-by=(\S+)/i.exec(options)?.[1] ?? "",
        withSuite: (whole, added) => {
          const start = options === "" ? type : `${type} [${options}]`;
          const lines = whole.split("\n");
          lines.splice(i + 1, 0, `${start} ${uri} ${added} ${components.trim()}`);
          return lines.join("\n");
        },
      },
    ];
  });
}
