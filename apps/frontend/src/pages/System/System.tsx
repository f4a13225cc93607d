// How the service is: checks, gates, paper sessions, switch, account, schedule, versions, licences.
import { Account } from "@/features/system/Account";
import { Checks } from "@/features/system/Checks";
import { GatesNow } from "@/features/system/GatesNow";
import { KillSwitch } from "@/features/system/KillSwitch";
import { Licences } from "@/features/system/Licences";
import { PaperSessions } from "@/features/system/PaperSessions";
import { Parts, Schedule, Service } from "@/features/system/Service";
import css from "@/features/system/System.module.css";
import { useTitle } from "@/layout/useTitle";

export function System() {
  useTitle("System");
  return (
    <>
      <h1 tabIndex={-1}>System</h1>
      <Checks />
      <GatesNow />
      <PaperSessions />
      <div className={css.grid}>
        <KillSwitch />
        <Account />
        <Schedule />
        <Service />
        <Parts />
        <Licences />
      </div>
    </>
  );
}
