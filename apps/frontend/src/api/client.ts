// One typed fetch for all: errors become a Problem, as the service writes them (RFC 9457).
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Status = Schemas["Status"];
export type RunFacts = Schemas["RunFacts"];
export type Overview = Schemas["Overview"];
export type Tile = Schemas["Tile"];

export class Problem extends Error {
  readonly status: number;
  readonly slug: string;
  readonly instance: string;
  readonly members: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(String(body.detail ?? body.title ?? `The service answered ${status}.`));
    this.name = "Problem";
    this.status = status;
    this.slug = String(body.type ?? "").replace("urn:hotband:problem:", "");
    this.instance = String(body.instance ?? "");
    this.members = body;
  }
}

/** The service did not answer at all. */
export class Offline extends Error {
  constructor() {
    super("The service cannot be reached.");
    this.name = "Offline";
  }
}

const problems: Middleware = {
  async onResponse({ response }) {
    if (response.ok || response.status === 304) return undefined;
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => ({}));
    throw new Problem(response.status, body as Record<string, unknown>);
  },
  onError({ error }) {
    return error instanceof Problem || (error instanceof Error && error.name === "AbortError")
      ? undefined
      : new Offline();
  },
};

export const api = createClient<paths>({ baseUrl: window.location.origin });
api.use(problems);

/** Options of a query: a result never changes, so what was read of a run stays. */
export const ofRun = { staleTime: Number.POSITIVE_INFINITY, gcTime: 10 * 60_000 } as const;

/**
 * The data of a reply; a reply without any is a fault of the service. The caller names the type:
 * openapi-fetch widens the tuples of the schema to arrays.
 */
export async function read<T>(call: Promise<{ data?: unknown; response: Response }>): Promise<T> {
  const { data, response } = await call;
  if (data === undefined || data === null) {
    throw new Problem(response.status, { detail: "The service sent no data." });
  }
  return data as T;
}
