"""``python -m hotband`` is the ``hotband`` command."""

from hotband.cli.main import run

if __name__ == "__main__":
    run()
