// What a finished run says of one instrument. All keys hang on the run: a result never changes.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, ofRun, read, type Schemas } from "./client";

export type Entry = Schemas["Instrument"];
export type InstrumentReply = Schemas["InstrumentReply"];
export type Phase = "look_back" | "hold_out";
export type Row = Schemas["GridRows"]["items"][number];

/** Which result: everything of an instrument is asked for with it. */
export interface Of {
  run: string;
  symbol: string;
}

export const key = ({ run, symbol }: Of, ...rest: unknown[]) => [
  "run",
  run,
  "instrument",
  symbol,
  ...rest,
];
export const path = ({ run, symbol }: Of) => ({ run, symbol });

export const instrumentQuery = (of: Of) =>
  queryOptions<InstrumentReply>({
    queryKey: key(of),
    queryFn: ({ signal }) =>
      read<InstrumentReply>(
        api.GET("/api/backtests/{run}/instruments/{symbol}", {
          params: { path: path(of) },
          signal,
        }),
      ),
    ...ofRun,
  });

export const axesQuery = (of: Of) =>
  queryOptions<Schemas["GridAxes"]>({
    queryKey: key(of, "axes"),
    queryFn: ({ signal }) =>
      read<Schemas["GridAxes"]>(
        api.GET("/api/backtests/{run}/instruments/{symbol}/axes", {
          params: { path: path(of) },
          signal,
        }),
      ),
    ...ofRun,
  });

interface PlaneOf {
  x: string;
  y: string;
  metric: string;
  fixed: string[];
}

export const planeQuery = (of: Of, query: PlaneOf) =>
  queryOptions<Schemas["GridPlane"]>({
    queryKey: key(of, "plane", query),
    queryFn: ({ signal }) =>
      read<Schemas["GridPlane"]>(
        api.GET("/api/backtests/{run}/instruments/{symbol}/plane", {
          params: { path: path(of), query },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    ...ofRun,
  });

export const cellQuery = (of: Of, cell: number) =>
  queryOptions<Schemas["GridRows"]>({
    queryKey: key(of, "cell", cell),
    queryFn: ({ signal }) =>
      read<Schemas["GridRows"]>(
        api.GET("/api/backtests/{run}/instruments/{symbol}/grid", {
          params: { path: path(of), query: { where: [`cell:eq:${cell}`], limit: 1 } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    ...ofRun,
  });

export const curveQuery = (of: Of, phase: Phase, span?: { start: string; end: string }) =>
  queryOptions<Schemas["EquityCurve"]>({
    queryKey: key(of, "curve", phase, span ?? null),
    queryFn: ({ signal }) =>
      read<Schemas["EquityCurve"]>(
        api.GET("/api/backtests/{run}/instruments/{symbol}/curve", {
          params: { path: path(of), query: { phase, ...span } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    ...ofRun,
  });

export const dailyQuery = (of: Of) =>
  queryOptions<Schemas["DailyCurve"]>({
    queryKey: key(of, "daily"),
    queryFn: ({ signal }) =>
      read<Schemas["DailyCurve"]>(
        api.GET("/api/backtests/{run}/instruments/{symbol}/daily", {
          params: { path: path(of) },
          signal,
        }),
      ),
    ...ofRun,
  });

interface CandlesOf {
  phase: Phase;
  start?: string;
  end?: string;
  max_points: number;
}

/** Bars may change under a finished run, so candles are asked for again after a while. */
export const candlesQuery = (of: Of, query: CandlesOf) =>
  queryOptions<Schemas["Candles"]>({
    queryKey: key(of, "candles", query),
    queryFn: ({ signal }) =>
      read<Schemas["Candles"]>(
        api.GET("/api/backtests/{run}/instruments/{symbol}/candles", {
          params: { path: path(of), query },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });

export const provenanceQuery = (run: string) =>
  queryOptions<Schemas["FinishedRun"], Error, Schemas["FinishedRun"]["provenance"]>({
    queryKey: ["run", run, "artefact"],
    queryFn: ({ signal }) =>
      read<Schemas["FinishedRun"]>(
        api.GET("/api/backtests/{run}/artefact", { params: { path: { run } }, signal }),
      ),
    select: (artefact) => artefact.provenance,
    ...ofRun,
  });

/** The address of a download; the file's name comes with it. */
export const exportHref = (run: string, id: string) =>
  `/api/backtests/${encodeURIComponent(run)}/exports/${encodeURIComponent(id)}`;
