// The heat map as a plain table: a line per cell.
import type { Schemas } from "@/api/client";
import { labelOf } from "@/features/instrument/measures";
import { TableRegion } from "@/features/panel/Panel";
import { count } from "@/format/numbers";
import { type Place, valueText } from "./places";

export function PlaneTable(props: {
  plane: Schemas["GridPlane"];
  places: Place[];
  onCell: (cell: number) => void;
}) {
  const { plane, places, onCell } = props;
  const shown = places.filter((place) => place.cell !== null && place.kept);
  return (
    <TableRegion label="Cells of the grid">
      <table data-testid="plane-table">
        <thead>
          <tr>
            <th scope="col">Cell</th>
            <th scope="col" className="number">
              {labelOf(plane.x?.name ?? "")}
            </th>
            <th scope="col" className="number">
              {labelOf(plane.y?.name ?? "")}
            </th>
            <th scope="col" className="number">
              {labelOf(plane.metric)}
            </th>
            <th scope="col" className="number">
              Trades
            </th>
            <th scope="col">Qualified</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((place) => (
            <tr key={place.cell}>
              <th scope="row">
                <button type="button" onClick={() => place.cell !== null && onCell(place.cell)}>
                  {place.cell}
                </button>
                {place.chosen ? " the choice" : place.neighbour ? " neighbour" : ""}
              </th>
              <td className="number">{valueText(place.x)}</td>
              <td className="number">{valueText(place.y)}</td>
              <td className="number">
                {place.reason === null ? (
                  place.text
                ) : (
                  <span className="muted">n/a &ndash; {place.reason}</span>
                )}
              </td>
              <td className="number">{count(place.trades)}</td>
              <td>{place.qualified ? "Yes" : "No"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableRegion>
  );
}
