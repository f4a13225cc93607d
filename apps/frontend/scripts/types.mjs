// Fails where the API's types are not those of the published OpenAPI document.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "hotband-types-"));
try {
  const made = join(folder, "schema.d.ts");
  execFileSync("npx", ["openapi-typescript", "../../docs/openapi.json", "-o", made], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (readFileSync(made, "utf8") !== readFileSync("src/api/schema.d.ts", "utf8")) {
    console.error("src/api/schema.d.ts is not that of docs/openapi.json: run 'npm run types'.");
    process.exit(1);
  }
} finally {
  rmSync(folder, { recursive: true });
}
