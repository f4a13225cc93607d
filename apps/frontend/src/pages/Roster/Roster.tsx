export function Roster() {
  return <h1>Roster</h1>;
}
