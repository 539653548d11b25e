"""Who is signed in, signing in by JSON, and the list of a person's sessions."""

from __future__ import annotations

import datetime as dt
from math import isinf
from typing import Final

import msgspec
from quart import Blueprint, Response, request

from vts.model.grant import GRANT_ID_BYTES
from vts.service.sign_in import SignIn
from vts.web.access import Access, principal_of, require, session_cookie_of
from vts.web.answers import Problem, json_answer
from vts.web.naming import Naming
from vts.web.session_cookies import set_session
from vts.web.sign_in_door import SignInDoor


class SignInBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/session`: one of the two."""

    token: str = ""
    link: str = ""


_read_body: Final = msgspec.json.Decoder(SignInBody).decode


def blueprint(access: Access, sign_in: SignIn, door: SignInDoor, naming: Naming) -> Blueprint:
    """Return `/api/session` and `/api/me/sessions`."""
    routes = Blueprint("sessions", __name__)

    @routes.get("/api/session")
    async def session() -> Response:
        principal = principal_of(request, access)
        if principal is None:
            return json_answer({"signed_in": False})
        cookie = session_cookie_of(request, access)
        token = {} if principal.session is None else {"form_token": access.seals.form_token(cookie)}
        who = {"user": principal.user_text or principal.user_id, "roles": sorted(principal.roles)}
        return await naming.json({"signed_in": True, **who, "expires_at": _time(principal.expires_s)} | token, {})

    @routes.post("/api/session")
    async def begin_session() -> Response:
        try:
            body = _read_body(await request.get_data(as_text=False))
        except msgspec.DecodeError:
            raise Problem(400, 'body: {"token": "…"} or {"link": "…"} is expected') from None
        name, begun = await door.begin(body.link, body.token, "")
        who = {"user": begun.grant.user, "roles": list(begun.grant.roles), "expires_at": _time(begun.grant.expires_s)}
        token = access.seals.form_token(begun.cookie)
        answer = await naming.json({"signed_in": True, **who, "form_token": token}, {})
        answer.status_code = 201
        set_session(answer, name, begun, access)
        return answer

    @routes.get("/api/me/sessions")
    async def sessions() -> Response:
        return json_answer({"sessions": await sign_in.listed(require(principal_of(request, access)))})

    @routes.delete("/api/me/sessions/<session_id>")
    async def end_session(session_id: str) -> Response:
        principal = require(principal_of(request, access))
        if not await sign_in.end_one(principal, _id(session_id)):
            raise Problem(404, "session_id: you have no such session")
        return json_answer({"ended": 1})

    return routes


def _time(at_s: float) -> str | None:
    """Return a time as RFC 3339; None for a token's that never ends."""
    return None if isinf(at_s) else dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat()


def _id(text: str) -> bytes:
    """Read the id of a session. Raises Problem 400."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != GRANT_ID_BYTES:
        raise Problem(400, f"session_id: {2 * GRANT_ID_BYTES} hexadecimal digits are expected")
    return raw
