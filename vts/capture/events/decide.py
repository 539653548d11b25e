"""What becomes of a capture request over HTTP.

One request is understood in one go, without waiting: it ends as a reply, as a report for the gate, or as an errand that
has to be awaited (a batch, a player). Only the gate's answer takes time, and that time is the journal's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Protocol
from urllib.parse import parse_qsl

from vts.auth.credentials import basic_login, is_credential
from vts.auth.tokens import BadToken, Tokens, bearer
from vts.capture.events.body import batch_items, check_content_type, unpacked
from vts.capture.events.playback import PlaybackReports
from vts.capture.events.site import PageOf, SiteReports
from vts.capture.events.verdicts import reply_to_batch, reply_to_one, reply_to_playback, unauthorized
from vts.capture.events.view_fields import View, intent_of, parse_post_view, parse_query, parse_view
from vts.capture.events.views import WebReports
from vts.capture.fields import BadField, Ignored
from vts.capture.http.fault import HttpFault
from vts.capture.http.limits import Limits
from vts.capture.http.replies import PIXEL, error_reply, fault_reply
from vts.capture.http.request import POST_ID_MAX_DIGITS, CaptureHead, CaptureReply, Route
from vts.capture.players.topics import parse_key
from vts.enrich.enrich import Enricher
from vts.model.day import SECOND_US
from vts.model.outcome import Outcome, Reason, Refused
from vts.model.ports import Catalog, Clock, CountOutcome
from vts.model.principal import Principal
from vts.model.site import PlaybackReport, SiteReport
from vts.model.view import POST_ID_MAX, Report

QUERY_FIELDS_MAX: Final = 32
SITE_SOURCE: Final = "site"
SOURCE: Final = "web"  # under which the metrics count what did not get as far as having a source

Answer = Callable[[CaptureReply], None]
Errand = Callable[[], Awaitable[CaptureReply]]


class Admits(Protocol):
    """The gate and the journal behind it (`vts.admit.admission`)."""

    def submit_one_soon(self, report: Report, settle: Callable[[Outcome], None]) -> None:
        """Decide one report; `settle` hears its outcome once, before this returns or when the journal has it."""
        ...

    async def submit(self, reports: Sequence[Report]) -> list[Outcome]:
        """Return what became of each report, in order; what is accepted is one entry of the journal."""
        ...


SideReport = SiteReport | PlaybackReport


class AdmitsSite(Protocol):
    """The same for what is no view (`vts.admit.site`)."""

    def submit_soon(self, report: SideReport, settle: Callable[[Outcome], None]) -> None:
        """Decide one report; `settle` hears its outcome once, before this returns or when the journal has it."""
        ...


PlayerView = Callable[[bytes, bytes], Awaitable[Outcome]]
"""(player key, payload): decides one view of a player whose credential was right."""


class CaptureDecision:
    """The one decision function of HTTP capture. `on_ignored` hears the name of a field with an unknown value."""

    def __init__(
        self,
        *,
        admission: Admits,
        enricher: Enricher,
        tokens: Tokens,
        catalog: Catalog,
        site: AdmitsSite,
        page_of: PageOf,
        player_view: PlayerView,
        clock: Clock,
        count: CountOutcome,
        on_ignored: Ignored = lambda field: None,
        limits: Limits | None = None,
    ) -> None:
        self._admission = admission
        self._site = site
        self._site_reports = SiteReports(enricher, page_of)
        self._playback_reports = PlaybackReports(enricher)
        self._reports = WebReports(enricher, on_ignored)
        self._tokens = tokens
        self._catalog = catalog
        self._player_view = player_view
        self._clock = clock
        self._count = count
        self._ignored = on_ignored
        self._limits = limits or Limits()

    def receive_soon(self, head: CaptureHead, body: bytes, answer: Answer) -> Errand | None:
        """Judge a request; `answer` hears the reply, maybe before this returns.

        Where something must be awaited instead, the caller gets an errand whose result is the reply.
        """
        plan = self._understand(head, body)
        if type(plan) is Report:
            self._admission.submit_one_soon(plan, partial(_tell, answer, head.route))
            return None
        if type(plan) is CaptureReply:
            answer(plan)
            return None
        if isinstance(plan, SiteReport | PlaybackReport):
            self._site.submit_soon(plan, partial(_tell_site, answer, plan))
            return None
        return plan  # type: ignore[return-value]

    def _understand(self, head: CaptureHead, body: bytes) -> CaptureReply | Report | SideReport | Errand:
        try:
            match head.route:
                case Route.VIEW:
                    return self._view(head, body)
                case Route.POST_VIEW:
                    return self._post_view(head, body)
                case Route.PIXEL:
                    return self._pixel(head)
                case Route.PLAYER_VIEW:
                    return self._player(head, body)
                case Route.PAGE_VIEW:
                    return self._page_view(head, body)
                case Route.HOST_EVENT:
                    return self._host_event(head, body)
                case Route.PLAYBACK:
                    return self._playback(head, body)
        except BadField as fault:
            self._count(SOURCE, Reason.INVALID, 1)
            return error_reply(400, "invalid", str(fault))
        except BadToken as fault:
            self._count(SOURCE, Reason.AUTHENTICATION_FAILED, 1)
            return unauthorized(f"Authorization: {fault.reason}", "Bearer")
        except HttpFault as fault:
            self._count(SOURCE, Reason.INVALID, 1)
            return fault_reply(fault)

    # One method for each route.

    def _view(self, head: CaptureHead, body: bytes) -> Report | Errand:
        principal, now_us = self._principal(head)
        body = self._plain(head, body, self._limits.batch_body_max_bytes)
        items = batch_items(body, head.content_type)
        if items is not None:
            return self._batch(head, principal, items, now_us)
        said = parse_view(body)
        return self._reports.make(head, principal, said, said.post_id, "intentional", now_us)

    def _post_view(self, head: CaptureHead, body: bytes) -> Report:
        principal, now_us = self._principal(head)
        said = parse_post_view(self._small(head, body))
        post_id = _post_id_in(head.path)
        return self._reports.make(head, principal, said, post_id, intent_of(said, self._ignored), now_us)

    def _pixel(self, head: CaptureHead) -> CaptureReply | Report:
        if head.method == "HEAD":
            return PIXEL
        try:
            principal, now_us = self._principal(head)
            said = parse_query(_query_fields(head.query))
            return self._reports.make(head, principal, said, said.post_id, "widget", now_us)
        except BadField:
            self._count(SOURCE, Reason.INVALID, 1)
            return PIXEL

    def _player(self, head: CaptureHead, body: bytes) -> CaptureReply | Errand:
        if not self._catalog.ready:
            return reply_to_one(head.route, Refused(Reason.UNAVAILABLE))
        login = basic_login(head.authorization)
        key = parse_key(login.name) if login is not None else None
        player = self._catalog.player(key) if key is not None else None
        is_right = is_credential(
            login.password if login is not None else "", player.credential_hash if player is not None else None
        )
        if key is None or player is None or not is_right or not player.registered:
            self._count("player", Reason.AUTHENTICATION_FAILED, 1)
            return reply_to_one(head.route, Refused(Reason.AUTHENTICATION_FAILED))
        return partial(self._await_player, key, self._small(head, body))

    def _page_view(self, head: CaptureHead, body: bytes) -> SiteReport:
        principal, now_us = self._principal(head)
        return self._site_reports.page_view(head, principal, self._small(head, body), now_us)

    def _host_event(self, head: CaptureHead, body: bytes) -> SiteReport | CaptureReply:
        principal, now_us = self._principal(head)
        if principal is None:
            self._count(SITE_SOURCE, Reason.AUTHENTICATION_FAILED, 1)
            return unauthorized("Authorization: a service token is needed", "Bearer")
        if not principal.is_service:
            return error_reply(403, "forbidden", "Authorization: a service token is needed")
        return self._site_reports.host_event(head, principal, self._small(head, body), now_us)

    def _playback(self, head: CaptureHead, body: bytes) -> PlaybackReport:
        principal, now_us = self._principal(head)
        return self._playback_reports.make(head, principal, self._small(head, body), now_us)

    def _small(self, head: CaptureHead, body: bytes) -> bytes:
        return self._plain(head, body, self._limits.gunzip_max_bytes)

    def _batch(
        self, head: CaptureHead, principal: Principal | None, items: Sequence[View | bytes], now_us: int
    ) -> Errand:
        if not items:
            raise BadField("body: no events in it")
        if len(items) > self._limits.batch_max_events:
            raise HttpFault(413, "too_large", f"body: more than {self._limits.batch_max_events} events")
        return partial(self._await_batch, [self._item(head, principal, item, now_us) for item in items])

    def _item(
        self, head: CaptureHead, principal: Principal | None, item: View | bytes, now_us: int
    ) -> Report | BadField:
        try:
            said = parse_view(item) if isinstance(item, bytes) else item
            return self._reports.make(head, principal, said, said.post_id, "intentional", now_us)
        except BadField as fault:
            self._count(SOURCE, Reason.INVALID, 1)
            return fault

    # What has to be awaited.

    async def _await_batch(self, found: Sequence[Report | BadField]) -> CaptureReply:
        reports = [one for one in found if isinstance(one, Report)]
        outcomes = iter(await self._admission.submit(reports) if reports else ())
        return reply_to_batch([next(outcomes) if isinstance(one, Report) else one for one in found])

    async def _await_player(self, key: bytes, payload: bytes) -> CaptureReply:
        return reply_to_one(Route.PLAYER_VIEW, await self._player_view(key, payload))

    # From a request to a report.

    def _principal(self, head: CaptureHead) -> tuple[Principal | None, int]:
        now_us = self._clock()
        if head.authorization is None:
            return None, now_us
        token = bearer(head.authorization)
        return (self._tokens.verify(token, now_us / SECOND_US) if token is not None else None), now_us

    def _plain(self, head: CaptureHead, body: bytes, max_bytes: int) -> bytes:
        if head.content_type is not None:
            check_content_type(head.content_type)
        return body if head.content_encoding is None else unpacked(body, head.content_encoding, max_bytes)


def _tell(answer: Answer, route: Route, outcome: Outcome) -> None:
    answer(reply_to_one(route, outcome))


def _tell_site(answer: Answer, report: SideReport, outcome: Outcome) -> None:
    answer(_site_reply(report, outcome))


def _site_reply(report: SideReport, outcome: Outcome) -> CaptureReply:
    if isinstance(report, PlaybackReport):
        return reply_to_playback(len(report.events), outcome)
    return reply_to_one(Route.PAGE_VIEW, outcome)


def _post_id_in(path: str) -> int:
    """Return the id of `/api/post/{id}/view`. Raises BadField."""
    text = path.split("/")[3]
    post_id = int(text) if text.isascii() and text.isdecimal() and len(text) <= POST_ID_MAX_DIGITS else 0
    if not 0 < post_id <= POST_ID_MAX:
        raise BadField("post_id: not a content's number")
    return post_id


def _query_fields(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, max_num_fields=QUERY_FIELDS_MAX))
    except ValueError:
        raise BadField(f"query: more than {QUERY_FIELDS_MAX} fields") from None
