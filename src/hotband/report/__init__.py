"""Results for people: tables for a terminal, a page that opens offline, pictures."""
