// The page's direct dependencies with their licences; the charts ask for a visible attribution.
import { Panel } from "@/features/panel/Panel";
import { Facts } from "./Facts";

const PARTS: readonly (readonly [string, string])[] = [
  ["react, react-dom", "MIT"],
  ["@tanstack/react-query", "MIT"],
  ["@tanstack/react-router", "MIT"],
  ["@tanstack/react-table", "MIT"],
  ["@tanstack/react-virtual", "MIT"],
  ["openapi-fetch", "MIT"],
  ["uplot", "MIT"],
  ["lightweight-charts", "Apache-2.0"],
];

export function Licences() {
  return (
    <Panel title="Licences of the page" id="system-licences">
      <Facts facts={PARTS} />
      <p className="muted">
        Lightweight Charts &copy; TradingView, Inc. Charts by{" "}
        <a href="https://www.tradingview.com/" rel="noreferrer">
          TradingView
        </a>
        .
      </p>
    </Panel>
  );
}
