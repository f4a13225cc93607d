"""``hotband doctor``: what is amiss with the machine, the data and the last run, and what to do."""

from typing import Annotated

import typer

from hotband.cli.console import print_json, reported, tables


def doctor(
    granularity: Annotated[
        str, typer.Option(help="Bar length, such as M1, M5, H1.", envvar="HOTBAND_GRANULARITY")
    ] = "M1",
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for a server that is not ready.", min=0.0)
    ] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check everything a run rests on; exit status 1 where something failed."""
    with reported():
        from hotband.service.checkup import checkup, worst
        from hotband.service.checkup.check import Surroundings

        found = checkup(Surroundings(wait_s=wait, granularity=granularity))
        status = worst(found)
        if as_json:
            print_json({"status": status, "checks": [check.to_dict() for check in found]})
        else:
            from rich.table import Table

            table = Table(title=f"hotband doctor: {status}", title_justify="left", show_lines=True)
            for heading in ("check", "status", "what was found", "what to do"):
                table.add_column(heading, overflow="fold")
            for check in found:
                table.add_row(check.name, check.status, check.text, check.do)
            tables().print(table)
    raise typer.Exit(1 if status == "failed" else 0)
