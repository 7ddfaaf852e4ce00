/** Light or dark: as the system says, until the switch says otherwise. Colours are CSS variables, so nothing is drawn again. */

const KEY = "trimtab-theme";

export function themeSwitch(button: HTMLButtonElement): void {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = remembered();
  if (stored === "light" || stored === "dark") root.dataset.theme = stored;
  const now = () => root.dataset.theme ?? (system.matches ? "dark" : "light");
  const label = () => {
    button.textContent = now() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `switch to ${now() === "dark" ? "light" : "dark"} colours`);
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, root.dataset.theme);
    } catch {
      // a page from a file may have no storage; the switch holds until it is closed
    }
    label();
  });
  system.addEventListener("change", label);
  label();
}

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
