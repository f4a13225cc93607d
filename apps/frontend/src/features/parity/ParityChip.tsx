// Whether paper trading has proven what an instrument's backtest says, as one chip of words.
import { useQuery } from "@tanstack/react-query";
import { parityQuery } from "@/api/paper";
import { Chip } from "@/features/panel/Panel";
import { useZone } from "@/format/time";
import { type Parity, parityText, STATES } from "./words";

/** `told`: the reason stands beside the chip, not only behind it. */
export function ParityChip(props: { run: string; symbol: string; told?: boolean }) {
  const query = useQuery(parityQuery(props.run));
  const found = query.data?.parity[props.symbol];
  if (found === undefined) {
    return query.error === null ? null : (
      <Chip name="parity" title="What is proven could not be loaded.">
        Parity not known
      </Chip>
    );
  }
  return <Told parity={found} told={props.told === true} />;
}

function Told({ parity, told }: { parity: Parity; told: boolean }) {
  const zone = useZone();
  const state = STATES[parity.state];
  const text = parityText(parity, zone);
  return (
    <span data-testid="parity" data-state={parity.state}>
      <Chip tone={state.tone} title={text} name="parity">
        {state.chip}
        {told ? null : <span className="visually-hidden">: {text}</span>}
      </Chip>
      {told ? <span className="muted"> {text}</span> : null}
    </span>
  );
}
