"""What becomes of a message of a player, whichever way it came: a broker, the direct endpoint, HTTP.

One code path: payload → report → gate and journal → outcome → answer. The ways differ only in who waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, assert_never

import msgspec

from vts.capture.fields import BadField
from vts.capture.players.answers import PlayerReply, encode_ack, encode_response, reply_to
from vts.capture.players.payloads import (
    ForeignRequest,
    PlayerView,
    ReactionRequest,
    parse_request,
    parse_status,
    parse_view,
    wants_ack,
)
from vts.capture.players.reactions import TOO_MANY, PlayerReactions
from vts.capture.players.topics import TopicAddress, Topics
from vts.capture.players.views import SOURCE, PlayerViews, names_another
from vts.model.outcome import Accepted, Outcome, Reason, Refused
from vts.model.ports import Catalog, Clock, CountOutcome
from vts.model.presence import Status
from vts.model.reaction import Reaction
from vts.model.reference import NoReferenceKey, is_hashed
from vts.model.view import Report

_log: Final = logging.getLogger(__name__)

OutgoingMessage = tuple[str, bytes]
"""A topic and a payload, to be published to a player."""


class PlayerMessage(NamedTuple):
    """A publication whose topic was read; `address` is None for a topic that is no player's."""

    address: TopicAddress | None
    payload: bytes
    retained: bool = False


class Submit(Protocol):
    """The gate and the journal behind it (`vts.admit.admission`)."""

    async def submit(self, reports: Sequence[Report]) -> list[Outcome]:
        """Return what became of each report, in order."""
        ...


class TakesPresence(Protocol):
    """Players' last status (`vts.model.presence`). Synchronous: no message waits for it."""

    def said(self, player_key: bytes, status: Status, now_us: int, /) -> None:
        """Note a status message."""
        ...

    def viewed(self, player_key: bytes, now_us: int, /) -> None:
        """Note a view that was accepted."""
        ...

    def alive(self, player_key: bytes, now_us: int, /) -> None:
        """Note a sign that is neither."""
        ...


class PendingReaction(NamedTuple):
    """A reaction that must be stored before it is answered, and the topic of the request for it."""

    address: TopicAddress
    reaction: Reaction


class Settled(NamedTuple):
    """What to do about a message. `keep` is False when it could not be kept: it must not be acknowledged.

    `refusal` says why it does not count, for protocols whose acknowledgements have room for it.
    """

    keep: bool = True
    answer: OutgoingMessage | None = None
    reaction: PendingReaction | None = None
    refusal: Reason | None = None


class _AwaitsGate(NamedTuple):
    """A report that the gate has to decide, and whether its player waits for an answer."""

    report: Report
    address: TopicAddress
    wants_answer: bool


_DONE: Final = Settled()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerReports:
    """Decides messages of players. `presence` takes what registered players show of themselves.

    `refuses_foreign`: whether a request that is not VTS's is answered with an error. On a broker that the host's own
    server reads too, that server answers it.
    """

    topics: Topics
    views: PlayerViews
    reactions: PlayerReactions
    catalog: Catalog
    admission: Submit
    presence: TakesPresence
    count: CountOutcome
    clock: Clock
    refuses_foreign: bool = True

    async def settle(self, messages: Sequence[PlayerMessage]) -> list[Settled]:
        """Decide messages together, as one entry of the journal, in order; what is kept is durable on return."""
        now_us = self.clock()
        found = [self._decide(message, now_us) for message in messages]
        reports = [one.report for one in found if isinstance(one, _AwaitsGate)]
        outcomes = iter(await self.admission.submit(reports) if reports else ())
        return [self._decided(one, next(outcomes), now_us) if isinstance(one, _AwaitsGate) else one for one in found]

    async def receive(self, player_key: bytes, payload: bytes) -> Outcome:
        """Decide one view of a player that proved its key by other means (HTTP)."""
        now_us = self.clock()
        try:
            report = self.views.report(player_key, parse_view(payload), now_us)
        except BadField as fault:
            return self.views.refused(Reason.INVALID, str(fault))
        except NoReferenceKey:
            return self.views.refused(Reason.UNAVAILABLE)
        if isinstance(report, Refused):
            return report
        (outcome,) = await self.admission.submit([report])
        if isinstance(outcome, Accepted):
            self.presence.viewed(player_key, now_us)
        return outcome

    def alive(self, player_key: bytes) -> None:
        """Take the sign of a player that is connected and says nothing."""
        self.presence.alive(player_key, self.clock())

    async def store(self, pending: PendingReaction) -> OutgoingMessage:
        """Store a reaction and return the answer to it."""
        return self._response(pending.address, await self.reactions.store(pending.reaction))

    def decline(self, pending: PendingReaction) -> OutgoingMessage:
        """Return the answer to a reaction for which there is no room."""
        return self._response(pending.address, TOO_MANY)

    def _decide(self, message: PlayerMessage, now_us: int) -> Settled | _AwaitsGate:
        """Decide a message as far as the gate is not needed. A fault of ours must not return with every redelivery."""
        address = message.address
        if message.retained:
            self.count(SOURCE, "retained", 1)
            return _DONE
        if address is None:
            return self._settled(None, self.views.refused(Reason.INVALID), False)
        try:
            match address.kind:
                case "view":
                    return self._view(address, parse_view(message.payload), now_us)
                case "request":
                    return self._request(address, message.payload, now_us)
                case "status":
                    return self._status(address, message.payload, now_us)
                case _:
                    assert_never(address.kind)
        except BadField as fault:
            waits = address.kind == "request" or (address.kind == "view" and wants_ack(message.payload))
            return self._settled(address, self.views.refused(Reason.INVALID, str(fault)), waits)
        except Exception:
            _log.exception("a player's message could not be handled")
            self.count(SOURCE, "internal_error", 1)
            return self._answered(address, PlayerReply("internal_error", "the message could not be handled"))

    def _view(self, address: TopicAddress, view: PlayerView, now_us: int) -> Settled | _AwaitsGate:
        try:
            report = self.views.report(address.key, view, now_us)
        except NoReferenceKey:
            report = self.views.refused(Reason.UNAVAILABLE)
        if type(report) is Report:
            return _AwaitsGate(report, address, view.wants_ack)
        assert isinstance(report, Refused)
        return self._settled(address, report, view.wants_ack)

    def _request(self, address: TopicAddress, payload: bytes, now_us: int) -> Settled | _AwaitsGate:
        request = parse_request(payload, address.request_id or "")
        if isinstance(request, ForeignRequest):
            return self._foreign(address, request)
        if names_another(address.key, request.named_player):
            return self._settled(address, self.views.refused(Reason.IDENTITY_MISMATCH), True)
        match request.body:
            case PlayerView():
                return self._view(address, request.body, now_us)
            case ReactionRequest():
                decided = self.reactions.decide(address.key, request.body)
                if isinstance(decided, Reaction):
                    return Settled(reaction=PendingReaction(address, decided))
                return self._answered(address, decided)
            case _:
                assert_never(request.body)

    def _foreign(self, address: TopicAddress, request: ForeignRequest) -> Settled:
        """Leave a request to the server that knows its type, or refuse it where no other server is."""
        if not self.refuses_foreign:
            self.count(SOURCE, "foreign_request", 1)
            return _DONE
        if request.fault is not None:
            return self._settled(address, self.views.refused(Reason.INVALID, request.fault), True)
        self.count(SOURCE, "unknown_request_type", 1)
        return self._answered(address, PlayerReply("unknown_request_type", "no such request_type"))

    def _status(self, address: TopicAddress, payload: bytes, now_us: int) -> Settled:
        status = parse_status(payload, self.catalog.references)
        if names_another(address.key, status.named_player):
            return self._settled(address, self.views.refused(Reason.IDENTITY_MISMATCH), False)
        player = self.catalog.player(address.key)
        if player is None or not player.registered:
            return self._settled(address, self.views.refused(Reason.AUTHENTICATION_FAILED), False)
        self.presence.said(address.key, self._with_known_text(status.body), now_us)
        self.count(SOURCE, "status", 1)
        return _DONE

    def _with_known_text(self, status: Status) -> Status:
        """Return a status without a content that only a text names: nothing else would keep that text."""
        post_id = status.post_id
        if isinstance(post_id, int) and is_hashed(post_id) and self.catalog.content(post_id) is None:
            return msgspec.structs.replace(status, post_id=None)
        return status

    def _decided(self, one: _AwaitsGate, outcome: Outcome, now_us: int) -> Settled:
        if isinstance(outcome, Accepted):
            self.presence.viewed(one.address.key, now_us)
        return self._settled(one.address, outcome, one.wants_answer)

    def _settled(self, address: TopicAddress | None, outcome: Outcome, waits: bool) -> Settled:
        """Return what to do about a message with this outcome; `waits`: whether its player waits for an answer."""
        answered = self._answered(address, reply_to(outcome)) if waits else _DONE
        if not isinstance(outcome, Refused):
            return answered
        return answered._replace(keep=outcome.reason is not Reason.UNAVAILABLE, refusal=outcome.reason)

    def _answered(self, address: TopicAddress | None, reply: PlayerReply) -> Settled:
        if address is None:
            return _DONE
        if address.kind == "view":
            return Settled(answer=(self.topics.view_ack(address.key_text), encode_ack(reply)))
        return Settled(answer=self._response(address, reply)) if address.kind == "request" else _DONE

    def _response(self, address: TopicAddress, reply: PlayerReply) -> OutgoingMessage:
        request_id = address.request_id or ""
        return self.topics.response(address.key_text, request_id), encode_response(request_id, reply)
