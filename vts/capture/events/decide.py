"""What a capture request over HTTP becomes: a reply at once, a report for an admission, or a reply to wait for.

A request is decided in one call that does not wait. A single event waits for the journal only, and its reply is given
by a callback; a batch and a player's view are awaited by the connection's task.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, assert_never
from urllib.parse import parse_qsl

from vts.auth.credentials import bearer_credential_hash, is_credential, player_login
from vts.auth.tokens import BadToken, bearer
from vts.capture.events.body import plain_body, read_events, read_items
from vts.capture.events.parts import Admissions, MakeSiteReport, Reports, Senders
from vts.capture.events.verdicts import by_status, reply_to_batch, reply_to_one, reply_to_playback, unauthorized
from vts.capture.events.view_fields import View, parse_post_view, parse_query
from vts.capture.events.visitors import Arrival
from vts.capture.fields import BadField
from vts.capture.http.fault import HttpFault
from vts.capture.http.limits import Limits
from vts.capture.http.replies import PIXEL, error_reply, fault_reply
from vts.capture.http.request import Answer, AwaitedReply, CaptureHead, CaptureReply, Route
from vts.capture.players.topics import parse_key
from vts.model.day import SECOND_US
from vts.model.outcome import Outcome, Reason, Refused
from vts.model.ports import Clock, CountRefused
from vts.model.reference import NoReferenceKey
from vts.model.site import PlaybackReport, SiteReport
from vts.model.view import Report

QUERY_FIELDS_MAX: Final = 32
PLAYER_SOURCE: Final = "player"
SITE_SOURCE: Final = "site"
WEB_SOURCE: Final = "web"  # under which the metrics count events that were refused before their source was known


class CaptureDecision:
    """Decides every capture request of the HTTP door."""

    def __init__(
        self,
        *,
        admissions: Admissions,
        reports: Reports,
        senders: Senders,
        clock: Clock,
        on_refused: CountRefused,
        limits: Limits | None = None,
        says_counted: bool = False,
    ) -> None:
        """`says_counted`: the status of `POST /api/post/{id}/view` says whether the view counted (201 or 204)."""
        self._answer_post_view = _answer_counted if says_counted else _answer_one
        self._views = admissions.views
        self._site = admissions.site
        self._player_view = admissions.player_view
        self._reports = reports
        self._senders = senders
        self._clock = clock
        self._on_refused = on_refused
        self._limits = limits or Limits()

    def decide(self, head: CaptureHead, body: bytes, answer: Answer) -> AwaitedReply | None:
        """Decide a request. `answer` is called once with the reply, maybe before this returns.

        Where something must be awaited, `answer` is not called: the caller awaits the reply that is returned.
        """
        try:
            match head.route:
                case Route.VIEW:
                    return self._view(head, body, answer)
                case Route.PLAYER_VIEW:
                    return self._player(head, body, answer)
                case Route.POST_VIEW:
                    self._post_view(head, body, answer)
                case Route.PIXEL:
                    self._pixel(head, answer)
                case Route.PAGE_VIEW:
                    return self._page_view(head, body, answer)
                case Route.HOST_EVENT:
                    return self._host_event(head, body, answer)
                case Route.PLAYBACK:
                    self._playback(head, body, answer)
                case _:
                    assert_never(head.route)
        except (BadField, BadToken, HttpFault) as fault:
            answer(self._reply_to(fault))
        except NoReferenceKey:
            reply = reply_to_one(head.route, Refused(Reason.UNAVAILABLE))
            answer(self._refused(WEB_SOURCE, Reason.UNAVAILABLE, reply))
        return None

    # One method for each route.

    def _view(self, head: CaptureHead, body: bytes, answer: Answer) -> AwaitedReply | None:
        arrival = self._arrival(head)
        events = read_events(head, body, self._limits)
        if not isinstance(events, View):
            return partial(self._await_batch, [self._batch_report(arrival, event) for event in events])
        report = self._reports.views.make(arrival, events, events.post_id, "intentional")
        self._views.submit_one_soon(report, partial(_answer_one, answer, head.route))
        return None

    def _post_view(self, head: CaptureHead, body: bytes, answer: Answer) -> None:
        arrival = self._arrival(head)
        fields = parse_post_view(self._small(head, body))
        report = self._reports.views.post_view(arrival, fields, head.path.split("/")[3])
        self._views.submit_one_soon(report, partial(self._answer_post_view, answer, head.route))

    def _pixel(self, head: CaptureHead, answer: Answer) -> None:
        """A picture that is not drawn would be worse than a view that is not counted."""
        if head.method == "HEAD":
            answer(PIXEL)
            return
        try:
            arrival = self._arrival(head)
            fields = parse_query(_query_fields(head.query))
            report = self._reports.views.make(arrival, fields, fields.post_id, "widget")
        except BadField as fault:
            answer(self._refused(WEB_SOURCE, Reason.INVALID, PIXEL, str(fault)))
            return
        self._views.submit_one_soon(report, partial(_answer_one, answer, head.route))

    def _player(self, head: CaptureHead, body: bytes, answer: Answer) -> AwaitedReply | None:
        catalog = self._senders.catalog
        if not catalog.ready:
            answer(reply_to_one(head.route, Refused(Reason.UNAVAILABLE)))
            return None
        key = self._player_key(head)
        player = catalog.player(key) if key is not None else None
        if key is None or player is None or not player.registered:
            reply = reply_to_one(head.route, Refused(Reason.AUTHENTICATION_FAILED))
            answer(self._refused(PLAYER_SOURCE, Reason.AUTHENTICATION_FAILED, reply))
            return None
        return partial(self._await_player, key, self._small(head, body))

    def _player_key(self, head: CaptureHead) -> bytes | None:
        """Return the player whose credential a request shows, None when it shows no right one."""
        catalog = self._senders.catalog
        if head.player_key is None and (shown := bearer_credential_hash(head.authorization)) is not None:
            return catalog.player_with(shown)
        login = player_login(head.authorization, head.player_key)
        key = parse_key(login.name) if login is not None else None
        player = catalog.player(key) if key is not None else None
        stored = player.credential_hash if player is not None else None
        return key if is_credential(login.password if login is not None else "", stored) else None

    def _page_view(self, head: CaptureHead, body: bytes, answer: Answer) -> AwaitedReply | None:
        return self._site_events(self._arrival(head), self._reports.site.page_view, body, answer)

    def _host_event(self, head: CaptureHead, body: bytes, answer: Answer) -> AwaitedReply | None:
        arrival = self._arrival(head)
        if arrival.principal is None:
            challenge = unauthorized("Authorization: a service token is needed", "Bearer")
            answer(self._refused(SITE_SOURCE, Reason.AUTHENTICATION_FAILED, challenge))
        elif not arrival.principal.is_service:
            answer(error_reply(403, "forbidden", "Authorization: a service token is needed"))
        else:
            return self._site_events(arrival, self._reports.site.host_event, body, answer)
        return None

    def _site_events(self, arrival: Arrival, make: MakeSiteReport, body: bytes, answer: Answer) -> AwaitedReply | None:
        items = read_items(arrival.head, body, self._limits)
        if not isinstance(items, bytes):
            return partial(self._await_site_batch, [self._site_report(make, arrival, item) for item in items])
        self._site.submit_soon(make(arrival, items), partial(_answer_one, answer, arrival.head.route))
        return None

    def _playback(self, head: CaptureHead, body: bytes, answer: Answer) -> None:
        arrival = self._arrival(head)
        report = self._reports.playback.make(arrival, self._small(head, body))
        self._site.submit_soon(report, partial(_answer_playback, answer, report))

    # What several routes need.

    def _arrival(self, head: CaptureHead) -> Arrival:
        """Return who sent a request and when. Raises BadToken and NoReferenceKey."""
        now_us = self._clock()
        if head.authorization is None:
            return Arrival(head, None, now_us)
        token = bearer(head.authorization)
        principal = self._senders.tokens.verify(token, now_us / SECOND_US) if token is not None else None
        return Arrival(head, principal, now_us)

    def _small(self, head: CaptureHead, body: bytes) -> bytes:
        return plain_body(head, body, self._limits.gunzip_max_bytes)

    def _batch_report(self, arrival: Arrival, event: View | BadField) -> Report | BadField:
        try:
            if isinstance(event, BadField):
                raise event
            return self._reports.views.make(arrival, event, event.post_id, "intentional")
        except BadField as fault:
            self._on_refused(WEB_SOURCE, Reason.INVALID, str(fault))
            return fault

    def _site_report(self, make: MakeSiteReport, arrival: Arrival, item: bytes) -> SiteReport | BadField:
        try:
            return make(arrival, item)
        except BadField as fault:
            self._on_refused(SITE_SOURCE, Reason.INVALID, str(fault))
            return fault

    def _reply_to(self, fault: BadField | BadToken | HttpFault) -> CaptureReply:
        match fault:
            case BadField():
                return self._refused(WEB_SOURCE, Reason.INVALID, error_reply(400, "invalid", str(fault)), str(fault))
            case BadToken():
                reply = unauthorized(f"Authorization: {fault.reason}", "Bearer")
                return self._refused(WEB_SOURCE, Reason.AUTHENTICATION_FAILED, reply, fault.reason)
            case HttpFault():
                return self._refused(WEB_SOURCE, Reason.INVALID, fault_reply(fault), fault.text)
            case _:
                assert_never(fault)

    def _refused(self, source: str, reason: Reason, reply: CaptureReply, detail: str | None = None) -> CaptureReply:
        self._on_refused(source, reason, detail)
        return reply

    # What the connection's task awaits.

    async def _await_batch(self, events: Sequence[Report | BadField]) -> CaptureReply:
        reports = [event for event in events if isinstance(event, Report)]
        outcomes = iter(await self._views.submit(reports) if reports else ())
        return reply_to_batch([next(outcomes) if isinstance(event, Report) else event for event in events])

    async def _await_site_batch(self, events: Sequence[SiteReport | BadField]) -> CaptureReply:
        reports = [event for event in events if isinstance(event, SiteReport)]
        outcomes = iter(await self._site.submit(reports) if reports else ())
        return reply_to_batch([next(outcomes) if isinstance(event, SiteReport) else event for event in events])

    async def _await_player(self, key: bytes, payload: bytes) -> CaptureReply:
        return reply_to_one(Route.PLAYER_VIEW, await self._player_view(key, payload))


def _answer_one(answer: Answer, route: Route, outcome: Outcome) -> None:
    answer(reply_to_one(route, outcome))


def _answer_counted(answer: Answer, route: Route, outcome: Outcome) -> None:
    answer(by_status(reply_to_one(route, outcome)))


def _answer_playback(answer: Answer, report: PlaybackReport, outcome: Outcome) -> None:
    answer(reply_to_playback(report, outcome))


def _query_fields(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, max_num_fields=QUERY_FIELDS_MAX))
    except ValueError:
        raise BadField(f"query: more than {QUERY_FIELDS_MAX} fields") from None
