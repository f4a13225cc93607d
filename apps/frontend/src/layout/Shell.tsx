// What every page has around it: name, week, run control, zone, theme, and how the service is.
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { Problem } from "@/api/client";
import { statusQuery } from "@/api/queries";
import { Boundary } from "@/features/boundary";
import { OfflineBanner } from "@/features/offline/OfflineBanner";
import { RunBanner } from "@/features/run/RunBanner";
import { RunControl } from "@/features/run/RunControl";
import { SignIn } from "@/features/signin/SignIn";
import { WeekSelector } from "@/features/week/WeekSelector";
import css from "./Shell.module.css";
import { ThemeSwitch, ZoneSwitch } from "./Switches";

const PAGES = [
  ["/", "Overview"],
  ["/roster", "Roster"],
  ["/compare", "Compare"],
  ["/history", "History"],
  ["/system", "System"],
] as const;

export function Shell() {
  const status = useQuery(statusQuery);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    main.current?.querySelector("h1")?.focus({ preventScroll: true });
  }, [path]);
  if (status.error instanceof Problem && status.error.status === 401) return <SignIn />;
  return (
    <>
      <a className={css.skip} href="#main">
        Skip to the content
      </a>
      <header className={css.header}>
        <Link to="/" className={css.name}>
          <img src="/mark.svg" alt="" width="24" height="24" />
          hotband
        </Link>
        <nav aria-label="Pages" className={css.nav}>
          {PAGES.map(([to, name]) => (
            <Link
              key={to}
              to={to}
              search={(old) => (old.week === undefined ? {} : { week: old.week })}
              activeOptions={{ exact: to === "/", includeSearch: false }}
              activeProps={{ "aria-current": "page" }}
            >
              {name}
            </Link>
          ))}
        </nav>
        <div className={css.tools}>
          <WeekSelector />
          <ZoneSwitch />
          <ThemeSwitch />
          <RunControl />
        </div>
      </header>
      <OfflineBanner />
      <main id="main" ref={main} className={css.main}>
        <Boundary title="Status is not available. Results below are unaffected.">
          <RunBanner />
        </Boundary>
        <Boundary title="This page could not be shown.">
          <Outlet />
        </Boundary>
      </main>
      <footer className={css.footer}>
        hotband backtests and trades on paper. It never sends a live order.
      </footer>
    </>
  );
}
