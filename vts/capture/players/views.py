"""Which report a player's view becomes: enriched, and refused where its payload names another player."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vts.capture.fields import BadField, content_number
from vts.capture.players.payloads import INTENT, PlayerView
from vts.capture.players.topics import parse_key
from vts.enrich.enrich import Enricher
from vts.model.outcome import Reason, Refused
from vts.model.ports import Catalog, CountOutcome, CountRefused
from vts.model.reference import Texts
from vts.model.view import Report

NO_TEXTS: Final[Texts] = ()
SOURCE: Final = "player"  # the view_source of every player, and the word under which the metrics count them


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerViews:
    """Makes reports of players' views, and counts unknown values of their fields and refusals.

    `unknown_intent` is the view type of an intent that is not known.
    """

    enricher: Enricher
    catalog: Catalog
    count: CountOutcome
    on_refused: CountRefused
    unknown_intent: str = "intentional"

    def report(self, key: bytes, view: PlayerView, now_us: int) -> Report | Refused:
        """Return a view of the player `key` as the gate takes it.

        Raises BadField for a time or a name that is none, and NoReferenceKey for a text before the catalog has the key.
        """
        time = self.enricher.player_time(view.time, view.timezone)
        if time.invalid:
            raise BadField("the time of the view is not an ISO 8601 date and time")
        if names_another(key, view.named_player):
            return self.refused(Reason.IDENTITY_MISMATCH)
        for unknown in view.unknown:
            self.count(SOURCE, f"unknown_{unknown}", 1)
        playlist_id, of_playlist = None, NO_TEXTS
        post_id, of_content = content_number("post_id", view.post_id, self.catalog.references)
        if view.playlist_id is not None:
            playlist_id, of_playlist = content_number("playlist_id", view.playlist_id, self.catalog.references)
        visitor = self.enricher.player(key, self.catalog.player(key), view.country, view.timezone)
        return Report(
            post_id=post_id,
            arrived_us=now_us,
            viewer_key=visitor.viewer_key,
            key_version=visitor.key_version,
            view_source=SOURCE,
            view_type=view.view_type or (self.unknown_intent if INTENT in view.unknown else "intentional"),
            event_id=view.event_id,
            device_time_us=time.device_time_us,
            viewer_user_id=visitor.viewer_user_id,
            authenticated=visitor.authenticated,
            country_code=visitor.country_code,
            device_type=visitor.device_type,
            player_key=key,
            local_datetime=time.local.datetime,
            local_timezone=time.local.timezone,
            local_hour=time.local.hour,
            local_weekday=time.local.weekday,
            play_order=view.play_order,
            channel=view.channel,
            channel_context=view.channel_context,
            playlist_id=playlist_id,
            texts=of_content + of_playlist,
        )

    def refused(self, reason: Reason, detail: str | None = None) -> Refused:
        """Count and return a refusal that the gate does not see."""
        self.on_refused(SOURCE, reason, detail)
        return Refused(reason, detail=detail)


def names_another(key: bytes, named_player: str | None) -> bool:
    """Whether a payload names another player than its topic or login."""
    return named_player is not None and parse_key(named_player) != key
