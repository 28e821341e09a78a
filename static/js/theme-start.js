// Runs before the first paint, so that "auto" never flashes the wrong theme. A classic script on purpose.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    if (root.dataset.themeChoice === "auto") root.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  show();
  dark.addEventListener("change", () => {
    show();
    document.dispatchEvent(new CustomEvent("onyx:theme", { detail: { choice: root.dataset.themeChoice, dark: dark.matches } })); // charts are drawn anew
  });
})();
