// Runs inside the page, where a test sends it as text: it sees the browser's globals and nothing else.

/** Texts with less contrast (WCAG) than 4.5 with what is behind them, and lines of charts with less than 3. */
export function hardToRead(): string[] {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
  const rgb = (color: string) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color: string) => {
    const [r, g, b] = rgb(color).map((v) =>
      v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const contrast = (a: string, b: string) => {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const behind = (element: Element): string => {
    for (let at: Element | null = element; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (rgb(backgroundColor)[3]! > 250) return backgroundColor;
    }
    return "white";
  };
  const texts = [
    ...document.querySelectorAll(
      "p, li, td, th button, h2, h3, h4, .mark, .places span, dt, dd, label, svg text",
    ),
  ];
  const letters = texts
    .filter((element) => element.textContent!.trim() !== "" && element.getClientRects().length > 0)
    .map((element) => {
      const { color, fill } = getComputedStyle(element);
      const name = `${element.tagName} "${element.textContent!.slice(0, 30)}"`;
      if (!(element instanceof SVGElement)) return { name, is: contrast(color, behind(element)), least: 4.5 };
      // numbers of the heat map lie on their own cells
      const group = element.closest(".cell-numbers");
      const at = group ? [...group.children].indexOf(element) : -1;
      const cell = group?.parentElement?.querySelector(".cells")?.children[at];
      return { name, is: contrast(fill, cell ? getComputedStyle(cell).fill : behind(element)), least: 4.5 };
    });
  const lines = [...document.querySelectorAll(".method-line, .base-line")].map((line) => {
    return { name: "line", is: contrast(getComputedStyle(line).stroke, behind(line)), least: 3 };
  });
  if (letters.length < 200 || lines.length < 10)
    return [`only ${letters.length} texts, ${lines.length} lines`];
  const failed = [...letters, ...lines].filter(({ is, least }) => !(is >= least));
  return failed.map(({ name, is }) => `${name}: ${is.toFixed(2)}`);
}
