// The banner's words for every state: what happened, what is unaffected, one thing to do.
import type { Status } from "@/api/client";
import { count, duration, percent } from "@/format/numbers";
import { instant, type Zone } from "@/format/time";

export interface Words {
  title: string;
  detail: string;
  tone: "running" | "bad" | "warn" | "plain";
  alert: boolean;
  again: boolean;
}

const words = (title: string, detail: string, more: Partial<Words> = {}): Words => ({
  title,
  detail,
  tone: "plain",
  alert: false,
  again: false,
  ...more,
});

function running(status: Status, zone: Zone): Words {
  const began = `started ${instant(status.started_at, zone)}`;
  if (status.progress === null) {
    return words("Starting", `Reading prices and gates \u00b7 ${began}`, { tone: "running" });
  }
  const { done, total, ratio, eta_seconds: eta, instrument } = status.progress;
  const left = eta == null ? "" : ` \u00b7 about ${duration(eta)} left`;
  return words(
    `Running \u2013 ${count(done)} of ${count(total)} combinations (${percent(100 * ratio, 0)})`,
    `${instrument === null ? "" : `${instrument.replace("_", "/")} \u00b7 `}${began}${left}`,
    { tone: "running" },
  );
}

/** Nothing for a result that was found finished. */
const took = (ms: number) => (ms >= 500 ? ` \u00b7 ${duration(ms / 1000)}` : "");

function unaffected(status: Status): string {
  const last = status.last_good;
  return last === null
    ? "There is no earlier result."
    : `Earlier results are unchanged: showing ${last.week}.`;
}

/** The run's own id, by which its log and history have it. */
const reference = (status: Status) =>
  status.job_id === null ? "" : ` Reference ${status.job_id}.`;

export function wordsOf(status: Status, zone: Zone): Words {
  const last = status.last_good;
  const names = Object.keys(status.instruments).length || status.instruments_total;
  switch (status.state) {
    case "idle":
      return last === null
        ? words("No runs yet", "Run the weekly grid to see results for your instruments.")
        : words(`Showing ${last.week}`, "No run has been started here yet.");
    case "running":
      return status.job_id === null
        ? words("Another program runs the grid", status.message, { tone: "running" })
        : running(status, zone);
    case "cancelling":
      return words("Stopping", "Finishing the current combinations. What is finished is kept.", {
        tone: "running",
      });
    case "completed": {
      const at = instant(status.finished_at ?? last?.generated_at, zone);
      if (status.reused) {
        return words(
          `Inputs unchanged \u2013 showing the run from ${instant(last?.generated_at, zone)}`,
          "Nothing was run again.",
          { again: true },
        );
      }
      const lasted =
        status.started_at === null || status.finished_at === null
          ? ""
          : took(Date.parse(status.finished_at) - Date.parse(status.started_at));
      const cells =
        status.progress === null ? "" : ` \u00b7 ${count(status.progress.total)} combinations`;
      const stale = last?.stale === true;
      return words(
        `Completed ${at}`,
        `${count(names)} instruments${cells}${lasted}${stale ? ` \u00b7 stale: ${last.reason}` : ""}`,
        stale ? { tone: "warn" } : {},
      );
    }
    case "error":
      return words(
        "The run failed",
        `${status.message}${reference(status)} ${unaffected(status)}`,
        {
          tone: "bad",
          alert: true,
        },
      );
    case "interrupted":
      return words(
        "The run was interrupted",
        `${status.error?.message ?? status.message}. ${unaffected(status)}`,
        {
          tone: "bad",
          alert: true,
        },
      );
    case "cancelled":
      return words(`Run cancelled at ${instant(status.finished_at, zone)}`, unaffected(status), {
        tone: "warn",
      });
  }
}
