"""`coinslot clauses`: what the portals' documents bind, in our own words, with the lines."""

import textwrap

import click

_EXAMPLE = """\b
Examples:
  coinslot clauses
  coinslot clauses sandbox:"""


@click.command("clauses", epilog=_EXAMPLE)
@click.argument("prefix", default="")
def command(prefix: str) -> int:
    """List clauses, standards and assumptions; PREFIX narrows by the beginning of the id."""
    from coinslot_contracts.clauses import clauses

    from coinslot_scenarios.load import load_items, suite_files
    from coinslot_scenarios.problems import UsageProblem, unknown

    found = [clause for clause in clauses().values() if clause.id.startswith(prefix)]
    if not found:
        raise click.UsageError(str(UsageProblem(unknown("clause", prefix, clauses()))))
    cited: dict[str, list[str]] = {}
    for item in load_items(suite_files()):
        for clause_id in item.scenario.clauses:
            if item.scenario.id not in cited.setdefault(clause_id, []):
                cited[clause_id].append(item.scenario.id)
    for clause in found:
        where = f"{clause.source}: {clause.section}" + (f", lines {clause.lines}" if clause.lines else "")
        click.echo(f"{clause.id}   binds {clause.binds}, {clause.strength}   {where}")
        click.echo(textwrap.fill(clause.says, width=100, initial_indent="    ", subsequent_indent="    "))
        click.echo(f"    checks: {', '.join(cited.get(clause.id, [])) or 'none'}")
    return 0
