import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Offline, Problem } from "./api/client";
import { signInFromFragment } from "./api/session";
import { makeRouter } from "./router";
import "./styles/tokens.css";
import "./styles/base.css";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => error instanceof Offline && failures < 2,
      throwOnError: (error) => !(error instanceof Problem || error instanceof Offline),
    },
  },
});

const place = document.getElementById("root");
if (place === null) throw new Error("the page has no root");
await signInFromFragment();
createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={makeRouter(client)} />
    </QueryClientProvider>
  </StrictMode>,
);
