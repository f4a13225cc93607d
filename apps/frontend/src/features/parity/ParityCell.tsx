// What is proven of a roster's cell, in a sentence, with the way to its certificate.
import { Link } from "@tanstack/react-router";
import { Chip } from "@/features/panel/Panel";
import { useZone } from "@/format/time";
import { type Parity, parityText, STATES } from "./words";

export function ParityCell({ parity }: { parity: Parity | undefined }) {
  const zone = useZone();
  if (parity === undefined) return <span className="muted">No result of the week is kept.</span>;
  const { session } = parity;
  const state = STATES[parity.state];
  return (
    <div data-testid="parity" data-state={parity.state}>
      <Chip tone={state.tone}>{state.name}</Chip> <span>{parityText(parity, zone)}</span>
      {session === null ? null : (
        <>
          {" "}
          <Link
            to="/roster"
            search={(old) => ({ ...old, certificate: session })}
            resetScroll={false}
          >
            Certificate
          </Link>
        </>
      )}
    </div>
  );
}
