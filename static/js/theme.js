// The theme choice lives in a cookie, so that the server can render it; here it is changed.
const YEAR = 365 * 24 * 3600;
const ORDER = ["light", "dark", "auto"];

export function currentTheme() {
  return document.documentElement.dataset.themeChoice || "auto";
}

/** Show a theme now and remember it for this browser: "light", "dark" or "auto". */
export function setTheme(choice) {
  if (!ORDER.includes(choice)) return;
  const root = document.documentElement;
  const dark = choice === "dark" || (choice === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.themeChoice = choice;
  root.dataset.bsTheme = dark ? "dark" : "light";
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `onyx_theme=${choice}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
  describeToggles(choice);
  document.dispatchEvent(new CustomEvent("onyx:theme", { detail: { choice, dark } }));
}

/** Make every [data-theme-toggle] button step through light, dark and auto. */
export function watchThemeToggles() {
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    setTheme(ORDER[(ORDER.indexOf(currentTheme()) + 1) % ORDER.length]);
  });
}

function describeToggles(choice) {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.title = `Theme: ${choice}`;
    button.setAttribute("aria-label", `Theme: ${choice}. Change it`);
  }
}
