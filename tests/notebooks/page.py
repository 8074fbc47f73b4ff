"""An executed notebook as one small HTML page, the same from every machine."""

from __future__ import annotations

from typing import Any

from nbconvert import HTMLExporter

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
pre {{ font: 13px/1.45 ui-monospace, monospace; overflow-x: auto; margin: 0 }}
.input_area pre {{ background: #f5f5f2; padding: .7rem 1rem; border-radius: 4px }}
.anchor-link {{ display: none }}
.output_area {{ margin: .6rem 0; overflow-x: auto }}
table {{ border-collapse: collapse; font-size: 13px }}
th, td {{ padding: .2rem .6rem; border-bottom: 1px solid #ddd; text-align: right }}
img {{ max-width: 100%; height: auto }}
.k, .kn, .ow {{ color: #8b2252; font-weight: 600 }} .s1, .s2, .sa, .si {{ color: #2a6b3f }} .c1 {{ color: #777 }}
</style></head><body>
"""


def without_machine(cell: Any) -> None:
    """Takes out of a cell what differs from run to run: standard error, ids, timings."""
    cell.metadata.pop("execution", None)
    if cell.cell_type == "code":
        cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]


def as_page(book: Any, title: str) -> str:
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    body, _ = exporter.from_notebook_node(book)
    lines = "\n".join(line.rstrip() for line in body.splitlines())
    return f"{_HEAD.format(title=title.replace('_', ' '))}{lines}\n</body></html>\n"
