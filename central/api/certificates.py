"""Whether a certificate is genuine: asked by anybody who holds the sheet, so no token is wanted."""

import html
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from central.api.access import OfficeParts
from central.certificates import TITLE, VALID_DAYS, grouped, local_date, plain_code
from central.office import Office
from central.store.schema import Document

router = APIRouter()
STATES = {
    "valid": ("有效", "Valid", "good"),
    "expired": ("已过有效期", "Expired", "late"),
    "unknown": ("查无此证明", "No such certificate", "bad"),
}


@router.get("/v1/certificates/{code}")
def check(code: str, office: OfficeParts) -> dict[str, Any]:
    """Tell the state of a certificate; its holder only in outline."""
    return _check(office, code)


@router.get("/verify", response_class=HTMLResponse)
def verify_page(office: OfficeParts, code: Annotated[str, Query(max_length=64)] = "") -> HTMLResponse:
    """Show the same to a person: the address inside the QR code."""
    found = _check(office, code) if code.strip() else None
    return HTMLResponse(_page(code, found), headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _check(office: Office, code: str) -> dict[str, Any]:
    with office.store.read() as session:
        query = select(Document.kind, Document.issued, Document.expires, Document.holder_masked)
        found = session.execute(query.where(Document.code == plain_code(code))).one_or_none()
    if found is None:
        return {"state": "unknown", "kind": None, "issued": None, "holder_masked": None}
    kind, issued, expires, holder = found
    state = "valid" if office.clock.now() < expires else "expired"
    return {"state": state, "kind": kind, "issued": local_date(issued).isoformat(), "holder_masked": holder}


def _page(code: str, found: dict[str, Any] | None) -> str:
    return _HTML.format(
        code=html.escape(grouped(plain_code(code)), quote=True),
        verdict=_verdict(found) if found is not None else "",
        days=VALID_DAYS,
    )


def _verdict(found: dict[str, Any]) -> str:
    chinese, english, look = STATES[found["state"]]
    lines = ""
    if found["state"] != "unknown":
        facts = (("证明", TITLE), ("持有人", found["holder_masked"]), ("出具日期", found["issued"]))
        lines = "".join(f"<dt>{label}</dt><dd>{html.escape(value)}</dd>" for label, value in facts)
    return (
        f'<section class="{look}" role="status"><h2>{chinese} <small>{english}</small></h2><dl>{lines}</dl></section>'
    )


_HTML = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>证明查验 · 演示</title><style>
body{{font:17px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;margin:0;background:#f4f4f1;color:#1c1c20}}
main{{max-width:34rem;margin:3rem auto;padding:2rem;background:#fff;border:1px solid #d5d5d0;border-radius:6px}}
h1{{font-size:1.4rem;margin:0 0 1rem}} h2{{margin:0;font-size:1.5rem}} small{{font-weight:normal;opacity:.75}}
section{{margin-top:1.5rem;padding:1rem 1.25rem;border-left:6px solid}} dl{{margin:.5rem 0 0}}
dt{{float:left;clear:left;width:6rem;color:#5d5f66}} dd{{margin:0 0 0 6rem}}
.good{{border-color:#1e7a46;background:#eef7f1}} .late{{border-color:#a66a00;background:#fbf5e8}}
.bad{{border-color:#b3261e;background:#fbeeed}} footer{{margin-top:2rem;font-size:.85rem;color:#5d5f66}}
input{{font:inherit;padding:.5rem;width:13rem;letter-spacing:.06em}} button{{font:inherit;padding:.5rem 1.25rem}}
</style></head><body><main><h1>证明查验 <small>Check a certificate</small></h1>
<form><label>验证码 <input name="code" value="{code}" autocomplete="off" spellcheck="false"></label>
<button>查验 Check</button></form>{verdict}
<footer>证明自出具之日起 {days} 日内有效。本页为系统演示，数据均为虚构。
Valid for {days} days. Demonstration, all data invented.</footer></main></body></html>"""
