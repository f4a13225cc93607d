"""Drivers that run the pipeline over history, and what is measured on it."""
