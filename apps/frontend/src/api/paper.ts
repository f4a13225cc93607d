// Paper sessions, their certificates, and what these prove of a run now.
import { queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "./client";

const MINUTE = 60_000;

/** A run never changes, but what is proven of it does. */
export const parityQuery = (run: string) =>
  queryOptions<Schemas["RunParity"]>({
    queryKey: ["parity", run],
    queryFn: ({ signal }) =>
      read<Schemas["RunParity"]>(
        api.GET("/api/backtests/{run}/parity", { params: { path: { run } }, signal }),
      ),
    staleTime: MINUTE,
  });

export const certificatesQuery = queryOptions<Schemas["Certificates"]>({
  queryKey: ["certificates"],
  queryFn: ({ signal }) => read<Schemas["Certificates"]>(api.GET("/api/certificates", { signal })),
  staleTime: MINUTE,
});

export const certificateQuery = (session: string) =>
  queryOptions<Schemas["Certificate"]>({
    queryKey: ["certificates", session],
    queryFn: ({ signal }) =>
      read<Schemas["Certificate"]>(
        api.GET("/api/certificates/{session}", { params: { path: { session } }, signal }),
      ),
    staleTime: MINUTE,
  });

export const paperQuery = queryOptions<Schemas["PaperReply"]>({
  queryKey: ["paper"],
  queryFn: ({ signal }) => read<Schemas["PaperReply"]>(api.GET("/api/paper", { signal })),
  refetchInterval: 15_000,
});
