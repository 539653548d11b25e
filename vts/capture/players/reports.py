"""What becomes of what a player says, whichever door it came by: a broker, the direct endpoint, HTTP.

One code path: payload → report → gate and journal → outcome → answer. The doors differ only in who waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, assert_never

from vts.capture.players.answers import SUCCESS, Verdict, encode_ack, encode_response, verdict_of
from vts.capture.players.payloads import (
    Address,
    BadPayload,
    PlayerStatus,
    PlayerView,
    ReactionRequest,
    Topics,
    UnknownRequest,
    parse_key,
    parse_request,
    parse_status,
    parse_view,
    wants_ack,
)
from vts.enrich.enrich import Enricher
from vts.model.content import Player
from vts.model.faults import Outage
from vts.model.outcome import Outcome, Reason, Refused
from vts.model.ports import Catalog, Clock, CountOutcome
from vts.model.reaction import Reaction, ReactionLimitExceeded
from vts.model.view import Report

SOURCE: Final = "player"
RETRY_STORE_S: Final = 5.0  # what a player is told when PostgreSQL is away
_log: Final = logging.getLogger(__name__)

Publication = tuple[str, bytes]
"""A topic and a payload, to be published to a player."""


class Message(Protocol):
    """A publication as a codec hands it over."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def payload(self) -> bytes: ...  # noqa: D102
    @property
    def retain(self) -> bool: ...  # noqa: D102


class Submit(Protocol):
    """The gate and the journal behind it (`vts.admit.admission`)."""

    async def submit(self, reports: Sequence[Report]) -> list[Outcome]:
        """Return what became of each report, in order."""
        ...


class Errand(NamedTuple):
    """A reaction on its way to PostgreSQL, and who waits for it."""

    address: Address
    reaction: Reaction


class Settled(NamedTuple):
    """What to do about a message. `keep` is False when nobody could take it: it must not be acknowledged.

    `refusal` says why it does not count, for doors whose acknowledgements have room for it.
    """

    keep: bool = True
    answer: Publication | None = None
    errand: Errand | None = None
    refusal: Reason | None = None


class _Pending(NamedTuple):
    """A report that waits for the gate, and how its player wants to hear of it."""

    report: Report
    address: Address
    wants_answer: bool


_DONE: Final = Settled()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerReports:
    """Decides what players say. `react` raises ReactionLimitExceeded or an Outage."""

    topics: Topics
    enricher: Enricher
    catalog: Catalog
    admission: Submit
    react: Callable[[Reaction], Awaitable[None]]
    on_status: Callable[[bytes, PlayerStatus], None]
    count: CountOutcome
    clock: Clock

    async def settle(self, messages: Sequence[Message]) -> list[Settled]:
        """Decide messages together, as one entry of the journal, in order; whatever is kept is durable on return."""
        now_us = self.clock()
        found = [self._contained(message, now_us) for message in messages]
        pending = [one for one in found if isinstance(one, _Pending)]
        outcomes = iter(await self.admission.submit([one.report for one in pending]) if pending else ())
        return [
            self._outcome(one.address, next(outcomes), one.wants_answer) if isinstance(one, _Pending) else one
            for one in found
        ]

    async def receive(self, player_key: bytes, payload: bytes) -> Outcome:
        """Decide one view of a player that proved its key by other means (HTTP)."""
        try:
            view = parse_view(payload)
            report = self._report(player_key, view, self.clock())
        except BadPayload as fault:
            return self._refused(Reason.INVALID, str(fault))
        if isinstance(report, Refused):
            return report
        return (await self.admission.submit([report]))[0]

    async def run(self, errand: Errand) -> Publication:
        """Carry a reaction to the store and return the answer to it."""
        try:
            await self.react(errand.reaction)
        except ReactionLimitExceeded as fault:
            verdict = Verdict("reaction_limit_exceeded", str(fault))
        except (Outage, OSError):
            verdict = Verdict("unavailable", "reactions cannot be kept right now", RETRY_STORE_S)
        except Exception:
            _log.exception("a reaction failed")
            verdict = Verdict("internal_error", "the reaction could not be kept")
        else:
            verdict = SUCCESS
        return self._response(errand.address, verdict)

    def decline(self, errand: Errand) -> Publication:
        """Return the answer to a reaction for which there is no room."""
        return self._response(errand.address, Verdict("unavailable", "too many reactions at once", RETRY_STORE_S))

    def _contained(self, message: Message, now_us: int) -> Settled | _Pending:
        """Understand a message. A fault of ours must not come back with every redelivery of the same message."""
        try:
            return self._understand(message, now_us)
        except Exception:
            _log.exception("a player's message could not be handled")
            self.count(SOURCE, "internal_error", 1)
            address = self.topics.parse(message.topic)
            return self._told(address, Verdict("internal_error", "the message could not be handled"))

    def _understand(self, message: Message, now_us: int) -> Settled | _Pending:
        if message.retain:
            self.count(SOURCE, "retained", 1)
            return _DONE
        address = self.topics.parse(message.topic)
        if address is None:
            return self._outcome(None, self._refused(Reason.INVALID), False)
        try:
            match address.kind:
                case "view":
                    return self._view(address, parse_view(message.payload), now_us)
                case "request":
                    return self._request(address, message.payload, now_us)
                case "status":
                    return self._status(address, message.payload)
                case _:
                    assert_never(address.kind)
        except BadPayload as fault:
            refused = self._refused(Reason.INVALID, str(fault))
            waits = address.kind == "request" or (address.kind == "view" and wants_ack(message.payload))
            return self._outcome(address, refused, waits)

    def _view(self, address: Address, view: PlayerView, now_us: int) -> Settled | _Pending:
        report = self._report(address.key, view, now_us)
        if isinstance(report, Report):
            return _Pending(report, address, view.wants_ack)
        return self._outcome(address, report, view.wants_ack)

    def _request(self, address: Address, payload: bytes, now_us: int) -> Settled | _Pending:
        request = parse_request(payload, address.request_id or "")
        if self._is_another(address.key, request.named_player):
            return self._outcome(address, self._refused(Reason.IDENTITY_MISMATCH), True)
        match request.body:
            case PlayerView():
                return self._view(address, request.body, now_us)
            case ReactionRequest():
                return self._reaction(address, request.body)
            case UnknownRequest():
                self.count(SOURCE, "unknown_request_type", 1)
                return self._told(address, Verdict("unknown_request_type", "no such request_type"))
            case _:
                assert_never(request.body)

    def _reaction(self, address: Address, asked: ReactionRequest) -> Settled:
        """A reaction is its owner's. It is acknowledged at once: whoever asked waits for the answer, and asks again."""
        player, content = self._player(address.key), self.catalog.content(asked.post_id)
        if not self.catalog.ready:
            verdict = Verdict("unavailable", "no catalog yet", RETRY_STORE_S)
        elif player is None or player.owner_id is None:
            verdict = verdict_of(self._refused(Reason.AUTHENTICATION_FAILED))
        elif asked.emoji is None:
            verdict = Verdict("invalid_emoji", "emoji is not an emoji")
        elif content is None:
            verdict = verdict_of(Refused(Reason.NOT_FOUND))
        elif content.deleted:
            verdict = verdict_of(Refused(Reason.DELETED))
        else:
            reaction = Reaction(post_id=asked.post_id, user_id=player.owner_id, emoji=asked.emoji, op=asked.op)
            return Settled(errand=Errand(address, reaction))
        return self._told(address, verdict)

    def _status(self, address: Address, payload: bytes) -> Settled:
        status = parse_status(payload)
        if self._is_another(address.key, status.player_key or None):
            return self._outcome(address, self._refused(Reason.IDENTITY_MISMATCH), False)
        if self._player(address.key) is None:
            return self._outcome(address, self._refused(Reason.AUTHENTICATION_FAILED), False)
        self.on_status(address.key, status)
        return _DONE

    def _report(self, key: bytes, view: PlayerView, now_us: int) -> Report | Refused:
        """Enrich a view. Raises BadPayload for a time that is none."""
        said = self.enricher.player_time(view.time, view.timezone)
        if said.invalid:
            raise BadPayload("the time of the view is not an ISO 8601 date and time")
        if self._is_another(key, view.named_player):
            return self._refused(Reason.IDENTITY_MISMATCH)
        for unknown in view.unknown:
            self.count(SOURCE, f"unknown_{unknown}", 1)
        who = self.enricher.player(key, self.catalog.player(key), view.country, view.timezone)
        return Report(
            post_id=view.post_id,
            arrived_us=now_us,
            viewer_key=who.viewer_key,
            key_version=who.key_version,
            view_source="player",
            view_type=view.view_type or "intentional",
            event_id=view.event_id,
            device_time_us=said.device_time_us,
            viewer_user_id=who.viewer_user_id,
            authenticated=who.authenticated,
            country_code=who.country_code,
            device_type=who.device_type,
            player_key=key,
            local_datetime=said.local.datetime,
            local_timezone=said.local.timezone,
            local_hour=said.local.hour,
            local_weekday=said.local.weekday,
            play_order=view.play_order,
            channel=view.channel,
            channel_context=view.channel_context,
            playlist_id=view.playlist_id,
        )

    def _outcome(self, address: Address | None, outcome: Outcome, waits: bool) -> Settled:
        if not isinstance(outcome, Refused):
            return self._told(address, SUCCESS) if waits else _DONE
        told = self._told(address, verdict_of(outcome)) if waits else _DONE
        return told._replace(keep=outcome.reason is not Reason.UNAVAILABLE, refusal=outcome.reason)

    def _told(self, address: Address | None, verdict: Verdict) -> Settled:
        if address is None:
            return _DONE
        if address.kind == "view":
            return Settled(answer=(self.topics.view_ack(address.key_text), encode_ack(verdict)))
        return Settled(answer=self._response(address, verdict)) if address.kind == "request" else _DONE

    def _response(self, address: Address, verdict: Verdict) -> Publication:
        request_id = address.request_id or ""
        return self.topics.response(address.key_text, request_id), encode_response(request_id, verdict)

    def _player(self, key: bytes) -> Player | None:
        """Return a player that may speak."""
        player = self.catalog.player(key)
        return player if player is not None and player.registered else None

    def _is_another(self, key: bytes, named: str | None) -> bool:
        return named is not None and parse_key(named) != key

    def _refused(self, reason: Reason, detail: str | None = None) -> Refused:
        self.count(SOURCE, reason.value, 1)
        return Refused(reason, detail=detail)
