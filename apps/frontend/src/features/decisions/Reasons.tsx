// How often each reason is named; choosing one filters the list.
import type { Schemas } from "@/api/client";
import { Panel, TableRegion } from "@/features/panel/Panel";
import { count, share } from "@/format/numbers";
import { reasonName } from "./names";

export function Reasons(props: {
  reasons: Schemas["ReasonCount"][];
  total: number;
  chosen: string | undefined;
  onChoose: (reason: string | undefined) => void;
}) {
  const { reasons, total, chosen } = props;
  return (
    <Panel
      title="Reasons"
      id="reasons"
      side={<span className="muted">A verdict may name several</span>}
    >
      {reasons.length === 0 ? (
        <p className="muted">No verdict names a reason.</p>
      ) : (
        <TableRegion label="Reasons">
          <table>
            <thead>
              <tr>
                <th scope="col">Reason</th>
                <th scope="col">In words</th>
                <th scope="col" className="number">
                  Verdicts
                </th>
                <th scope="col" className="number">
                  Share
                </th>
              </tr>
            </thead>
            <tbody>
              {reasons.map((each) => (
                <tr key={each.reason}>
                  <td>
                    <button
                      type="button"
                      aria-pressed={chosen === each.reason}
                      onClick={() =>
                        props.onChoose(chosen === each.reason ? undefined : each.reason)
                      }
                    >
                      {reasonName(each.reason)}
                    </button>
                  </td>
                  <td className="muted">{each.text ?? "\u2013"}</td>
                  <td className="number">{count(each.decisions)}</td>
                  <td className="number">{total > 0 ? share(each.decisions / total) : ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableRegion>
      )}
    </Panel>
  );
}
