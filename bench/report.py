"""Tables in Markdown; a figure with a limit says whether it is met."""

from collections.abc import Sequence

Cell = str | tuple[float, float, str]
Row = Sequence[Cell]


def table(title: str, head: Sequence[str], rows: Sequence[Row]) -> str:
    """A Markdown table; a cell `(figure, limit, unit)` is judged."""
    lines = [f"### {title}", "", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(map(_shown, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def _shown(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    figure, limit, unit = cell
    verdict = "✓" if figure <= limit else "✗"
    return f"{figure:.{2 if unit in ('×', 's') else 1}f} {unit} {verdict} (≤ {limit:g})"
