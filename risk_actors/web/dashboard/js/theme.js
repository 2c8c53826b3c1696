// Sets the chosen theme before the page is painted. Loaded as a classic script for that reason.
(() => {
  const KEY = "risk_actors.theme";
  const saved = (() => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  })();
  if (saved === "dark" || saved === "light") document.documentElement.dataset.theme = saved;

  const isDark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };

  window.riskActorsTheme = {
    isDark,
    toggle() {
      const next = isDark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      try {
        localStorage.setItem(KEY, next);
      } catch {
        // Private windows keep nothing; the choice holds until the page is left.
      }
      return next;
    },
  };
})();
