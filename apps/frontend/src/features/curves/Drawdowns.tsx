// The deepest falls of a phase; each can be zoomed to.
import type { Schemas } from "@/api/client";
import { Panel, TableRegion } from "@/features/panel/Panel";
import { duration, money, share } from "@/format/numbers";
import { instantShort, useZone, zoneName } from "@/format/time";

type Drawdown = Schemas["Drawdown"];

/** From before the peak to after the recovery, with a tenth of it on either side. */
export function around(drawdown: Drawdown): readonly [number, number] {
  const from = Date.parse(drawdown.peak_time);
  const to = Date.parse(drawdown.recovered_time ?? drawdown.trough_time);
  const air = Math.max((to - from) / 10, 60_000);
  return [Math.round(from - air), Math.round(to + air)];
}

export function Drawdowns(props: {
  drawdowns: Drawdown[];
  currency: string;
  onZoom: (range: readonly [number, number]) => void;
}) {
  const zone = useZone();
  if (props.drawdowns.length === 0) return null;
  return (
    <Panel
      title="Deepest drawdowns"
      id="drawdowns"
      side={<span className="muted">Times in {zoneName(zone)}</span>}
    >
      <TableRegion label="Deepest drawdowns">
        <table>
          <thead>
            <tr>
              <th scope="col" className="number">
                Depth
              </th>
              <th scope="col" className="number">
                Money
              </th>
              <th scope="col">Peak</th>
              <th scope="col">Trough</th>
              <th scope="col">Recovered</th>
              <th scope="col">Lasted</th>
              <th scope="col">
                <span className="visually-hidden">Zoom</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {props.drawdowns.map((each) => (
              <tr key={each.peak_time}>
                <td className="number">{share(each.fraction, 2)}</td>
                <td className="number">{money(each.money, props.currency)}</td>
                <td>{instantShort(each.peak_time, zone)}</td>
                <td>{instantShort(each.trough_time, zone)}</td>
                <td>
                  {each.recovered_time === null
                    ? "not yet"
                    : instantShort(each.recovered_time, zone)}
                </td>
                <td>
                  {each.recovered_time === null
                    ? "\u2013"
                    : duration(
                        (Date.parse(each.recovered_time) - Date.parse(each.peak_time)) / 1000,
                      )}
                </td>
                <td>
                  <button
                    type="button"
                    aria-label={`Zoom to the drawdown of ${instantShort(each.peak_time, zone)}`}
                    onClick={() => props.onZoom(around(each))}
                  >
                    Zoom
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
    </Panel>
  );
}
