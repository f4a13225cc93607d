import { Link } from "@tanstack/react-router";
import { useTitle } from "@/layout/useTitle";

export function NotFound() {
  useTitle("Not found");
  return (
    <section>
      <h1 tabIndex={-1}>There is no such page</h1>
      <p>
        <Link to="/">To the overview</Link>
      </p>
    </section>
  );
}
