// Before the first paint: the chosen theme, or the system's.
(() => {
  let chosen = "system";
  try {
    chosen = localStorage.getItem("hotband.theme") || "system";
  } catch {
    // Storage may be closed; the system's theme is used.
  }
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
})();
