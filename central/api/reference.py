"""A page about the interface, made from its own description, without anything fetched from elsewhere."""

import html
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter()


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """Show every route with its parameters and the shape of its body."""
    described = request.app.openapi()
    sections = [
        _operation(path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    title = html.escape(described["info"]["title"])
    return HTMLResponse(_HTML.format(title=title, routes="".join(sections)))


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = [
        f"<li><code>{html.escape(parameter['name'])}</code> ({html.escape(parameter['in'])})</li>"
        for parameter in operation.get("parameters", ())
    ]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        shape = content.get("schema", {}).get("$ref", "").rpartition("/")[2] or "object"
        rows.append(f"<li>body: {html.escape(kind)} <code>{html.escape(shape)}</code></li>")
    words = html.escape(operation.get("description", ""))
    head = f"<b>{html.escape(method.upper())}</b> <code>{html.escape(path)}</code>"
    return f"<section><h2>{head}</h2><p>{words}</p><ul>{''.join(rows)}</ul></section>"


_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1c1c20}}
h2{{font-size:1rem;margin:1.5rem 0 .25rem}} b{{color:#1c4f8f}} p,ul{{margin:.25rem 0}}
section{{border-top:1px solid #ddd}}
</style></head><body><h1>{title}</h1><p>Machine-readable: <a href="/openapi.json">openapi.json</a></p>
{routes}</body></html>"""
