// Light or dark, before the first paint: this file is loaded without defer. "system" is the absence of a choice.
// Paper is always light.
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const paper = window.matchMedia("print");
  const chosen = () => {
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system";
    }
  };
  const apply = () => {
    const choice = chosen();
    const dark = !paper.matches && (choice === "dark" || (choice === "system" && system.matches));
    root.setAttribute("data-bs-theme", dark ? "dark" : "light");
    document.querySelectorAll("[data-theme-choice]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    });
    document.dispatchEvent(new CustomEvent("themechange", { detail: { dark } }));
  };
  root.classList.add("js");
  apply();
  system.addEventListener("change", apply);
  paper.addEventListener("change", apply);
  window.addEventListener("storage", (event) => {
    if (event.key === "theme") apply();
  });
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-theme-choice]");
    if (!button) return;
    try {
      localStorage.setItem("theme", button.dataset.themeChoice);
    } catch {
      /* private window: for this page only */
    }
    apply();
  });
})();
