"""What beginning and ending a session have in common, whether a form or JSON asks for it."""

from __future__ import annotations

from typing import Final

from quart import request

from vts.auth.tokens import BadToken
from vts.model.grant import Grant
from vts.model.reference import NoReferenceKey
from vts.service.sign_in import BadSignIn, Begun, SignIn
from vts.web.access import Access, bearer_of, is_from_own_page, principal_of, require, session_cookie_of
from vts.web.answers import Problem, catalog_not_loaded
from vts.web.attempts import Attempts
from vts.web.origin import check_host
from vts.web.session_cookies import form_cookie_name, require_safe_way

OTHER_SITE: Final = "Origin: this page may sign nobody in or out here; http.allowed_origins has the pages that may"


class SignInDoor:
    """Checks the way, the page and the attempts of a request before a session begins or ends."""

    def __init__(self, access: Access, sign_in: SignIn, attempts: Attempts) -> None:
        self._access = access
        self._sign_in = sign_in
        self._attempts = attempts

    async def begin(self, link: str, token: str, form_token: str) -> tuple[str, Begun]:
        """Begin a session; the browser's former one ends. Return the cookie's name, too. Raises Problem."""
        access = self._access
        check_host(request, access)
        name = require_safe_way(request, access)
        self._check_page(name, form_token)
        if bool(link) == bool(token):
            raise Problem(400, "token, link: one of the two is expected")
        replaces = access.sessions.grant(session_cookie_of(request, access), access.now_s)
        with self._attempts.attempt(request, access):
            return name, await self._redeem(link, token, replaces)

    async def _redeem(self, link: str, token: str, replaces: Grant | None) -> Begun:
        access, agent = self._access, request.headers.get("User-Agent", "")
        try:
            if link:
                return await self._sign_in.by_link(link, agent, replaces)
            return await self._sign_in.by_token(access.tokens.verify(token, access.now_s), agent, replaces)
        except BadToken as fault:
            raise Problem(401, f"token: {fault}") from None
        except BadSignIn as fault:
            raise Problem(401, f"{'link' if link else 'token'}: {fault}") from None
        except NoReferenceKey:
            raise catalog_not_loaded() from None

    async def end(self, form_token: str, *, everywhere: bool) -> int:
        """End the session of the request, or all of its user. Return how many. Raises Problem, StoreUnavailable."""
        access = self._access
        if bearer_of(request, access) is None:
            check_host(request, access)
            self._check_page(require_safe_way(request, access), form_token)
        if everywhere:
            return await self._sign_in.end_all(require(principal_of(request, access, form_token)))
        grant = access.sessions.grant(session_cookie_of(request, access), access.now_s)
        if grant is None:
            return 0
        await self._sign_in.end(grant)
        return 1

    def _check_page(self, name: str, form_token: str) -> None:
        cookie = request.cookies.get(form_cookie_name(name), "")
        if not is_from_own_page(request, self._access, form_token, cookie):
            raise Problem(403, OTHER_SITE)
