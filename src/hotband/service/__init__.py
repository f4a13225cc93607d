"""The service: runs the weekly job, keeps it, and answers for it over HTTP."""
