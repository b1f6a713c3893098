// Runs before the first paint, so that a chosen theme never flashes the other one.

/** The theme in the stored settings; everything else means "as the system says". */
(() => {
  try {
    const { theme } = JSON.parse(localStorage.getItem("corescope.settings") ?? "{}");
    if (theme === "dark" || theme === "light") document.documentElement.dataset["theme"] = theme;
  } catch {
    // Blocked or damaged storage: the system decides.
  }
})();
