export function Instrument() {
  return <h1>Instrument</h1>;
}
