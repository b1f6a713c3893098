import { defineConfig } from "vitest/config";

const server = "http://localhost:3000";

export default defineConfig({
  // Absolute, because the same page answers at / and at /packets/<hash>.
  base: "/",
  publicDir: "static",
  build: {
    outDir: "dist",
    assetsDir: "assets",
    // Nothing becomes a data: URL; the content policy allows this origin only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/api": server,
      "/ws": { target: server, ws: true },
    },
  },
  test: {
    include: ["tests/unit/**/*.test.ts"],
    // The tokens are read as text.
    css: true,
  },
});
