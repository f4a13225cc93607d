// Addresses of the page. All view state is in them; each page is a chunk of its own.
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { defined } from "./defined";
import { Shell } from "./layout/Shell";
import { NotFound } from "./pages/NotFound";

type Raw = Record<string, unknown>;
const text = (raw: Raw, name: string): string | undefined => {
  const value = raw[name];
  return typeof value === "string" && value !== "" && value.length <= 200 ? value : undefined;
};
const whole = (raw: Raw, name: string): number | undefined => {
  const value = raw[name] === "" ? Number.NaN : Number(raw[name] ?? Number.NaN);
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
};

const root = createRootRouteWithContext<{ client: QueryClient }>()({
  component: Shell,
  notFoundComponent: NotFound,
  validateSearch: (raw: Raw) => defined({ week: text(raw, "week"), run: text(raw, "run") }),
});

const dashboard = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: (raw: Raw) => defined({ sort: text(raw, "sort"), show: text(raw, "show") }),
  component: lazyRouteComponent(() => import("./pages/Dashboard/Dashboard"), "Dashboard"),
});

const instrument = createRoute({
  getParentRoute: () => root,
  path: "/instruments/$symbol",
  validateSearch: (raw: Raw) =>
    defined({
      tab: text(raw, "tab"),
      metric: text(raw, "metric"),
      x: text(raw, "x"),
      y: text(raw, "y"),
      fixed: text(raw, "fixed"),
      cell: whole(raw, "cell"),
      where: text(raw, "where"),
      view: text(raw, "view"),
      phase: text(raw, "phase"),
      zoom: text(raw, "zoom"),
      sort: text(raw, "sort"),
      side: text(raw, "side"),
      outcome: text(raw, "outcome"),
      exit: text(raw, "exit"),
      trade: whole(raw, "trade"),
      reason: text(raw, "reason"),
      admit: text(raw, "admit"),
    }),
  component: lazyRouteComponent(() => import("./pages/Instrument/Instrument"), "Instrument"),
});

const roster = createRoute({
  getParentRoute: () => root,
  path: "/roster",
  validateSearch: (raw: Raw) =>
    defined({ open: text(raw, "open"), certificate: text(raw, "certificate") }),
  component: lazyRouteComponent(() => import("./pages/Roster/Roster"), "Roster"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/compare",
  validateSearch: (raw: Raw) =>
    defined({ base: text(raw, "base"), head: text(raw, "head"), all: text(raw, "all") }),
  component: lazyRouteComponent(() => import("./pages/Compare/Compare"), "Compare"),
});

const history = createRoute({
  getParentRoute: () => root,
  path: "/history",
  validateSearch: (raw: Raw) =>
    defined({ q: text(raw, "q"), state: text(raw, "state"), open: text(raw, "open") }),
  component: lazyRouteComponent(() => import("./pages/History/History"), "History"),
});

const system = createRoute({
  getParentRoute: () => root,
  path: "/system",
  component: lazyRouteComponent(() => import("./pages/System/System"), "System"),
});

const tree = root.addChildren([dashboard, instrument, roster, compare, history, system]);

export const makeRouter = (client: QueryClient) =>
  createRouter({
    routeTree: tree,
    context: { client },
    defaultPreload: "intent",
    // Plain text both ways: the router's own reading takes a run's id of digits for a number.
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => {
      const given = Object.entries(defined(search));
      const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)]));
      return text.size === 0 ? "" : `?${text}`;
    },
    scrollRestoration: true,
  });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
