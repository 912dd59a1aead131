import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import globals from "globals";

export default defineConfig([
  { ignores: ["static/vendor/", "var/", ".venv/"] },
  js.configs.recommended,
  { files: ["static/js/**"], languageOptions: { globals: globals.browser } },
  // Loaded without type="module": they run in order, and theme.js before the first paint.
  { files: ["static/js/{charts,hours,spend,statement,theme}.js"], languageOptions: { sourceType: "script" } },
]);
