/** Light or dark: as the system has it, or as it was chosen last. */

const KEY = "netlang-theme";

/** Let a button turn the page dark, and light again. */
export function themeSwitch(control: HTMLElement): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const dark = (stored() ?? (system.matches ? "dark" : "light")) === "dark";
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    control.setAttribute("aria-pressed", String(dark));
  };
  control.addEventListener("click", () => {
    const dark = control.getAttribute("aria-pressed") === "true";
    try {
      localStorage.setItem(KEY, dark ? "light" : "dark");
    } catch {
      document.documentElement.dataset.theme = dark ? "light" : "dark";
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
