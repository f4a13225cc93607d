// What the system page reads, and the kill switch.
import { queryOptions } from "@tanstack/react-query";
import { api, Problem, read, type Schemas } from "./client";

const MINUTE = 60_000;

export const systemQuery = queryOptions<Schemas["SystemReply"]>({
  queryKey: ["system"],
  queryFn: ({ signal }) => read<Schemas["SystemReply"]>(api.GET("/api/system", { signal })),
  refetchInterval: MINUTE,
});

type Readiness = { ready: true } | { ready: false; failing: string[] };

/** Not being ready is an answer here, not a failure. */
export const readyQuery = queryOptions<Readiness>({
  queryKey: ["ready"],
  queryFn: async ({ signal }) => {
    try {
      await api.GET("/health/ready", { signal });
      return { ready: true };
    } catch (error) {
      if (!(error instanceof Problem) || error.slug !== "not-ready") throw error;
      const failing = error.members.failing;
      return { ready: false, failing: Array.isArray(failing) ? failing.map(String) : [] };
    }
  },
  refetchInterval: MINUTE,
});

export const gatesQuery = queryOptions<Schemas["GatesReply"]>({
  queryKey: ["gates"],
  queryFn: ({ signal }) => read<Schemas["GatesReply"]>(api.GET("/api/metrics/gates", { signal })),
  refetchInterval: 15_000,
});

export const navQuery = queryOptions<Schemas["Nav"]>({
  queryKey: ["nav"],
  queryFn: async ({ signal }) =>
    (await read<Schemas["NavReply"]>(api.GET("/api/metrics/nav", { signal }))).nav,
  refetchInterval: 15_000,
});

export const killSwitchQuery = queryOptions<Schemas["KillSwitchReply"]>({
  queryKey: ["kill-switch"],
  queryFn: ({ signal }) =>
    read<Schemas["KillSwitchReply"]>(api.GET("/api/kill-switch", { signal })),
  refetchInterval: 15_000,
});

export async function setKillSwitch(engaged: boolean) {
  return read<Schemas["KillSwitchReply"]>(
    api.POST("/api/kill-switch", { body: { kill_switch: engaged } }),
  );
}
