"""The routes: each parses, calls one function, and maps what came back."""
