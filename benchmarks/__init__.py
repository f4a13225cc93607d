"""Benchmarks of hotband: ``make bench`` prints a table and writes JSON.

Nothing here asserts a time. Each case says what it measured and on which bars.
"""
