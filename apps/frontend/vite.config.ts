import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The page is a part of the Python package: the service serves what is built here.
export default defineConfig({
  plugins: [react()],
  resolve: { tsconfigPaths: true },
  build: {
    outDir: "../../src/hotband/service/page",
    emptyOutDir: true,
    manifest: true,
    license: true, // their texts go wherever the bundle goes
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  server: { host: "127.0.0.1", cors: false, proxy: { "/api": "http://127.0.0.1:8000" } },
});
