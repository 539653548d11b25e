"""Which report a web client's view becomes: its fields checked, its visitor and local time enriched. Pure."""

from __future__ import annotations

from vts.capture.events.view_fields import PostView, View, channel_of, intent_of, source_of, view_type_of
from vts.capture.events.visitors import Arrival, Visitors
from vts.capture.fields import Ignored, content_number, event_id_of, play_order_of
from vts.capture.http.request import Route
from vts.enrich.enrich import UNKNOWN_TIME, Enricher
from vts.model.ports import Catalog
from vts.model.reference import HASHED_MIN
from vts.model.view import Report


class WebReports:
    """Makes reports of views that came by HTTP from any client except players.

    Its methods raise BadField, and NoReferenceKey for a text before `catalog` has the key. `unknown_intent` is the view
    type of an intent that is not known.
    """

    def __init__(
        self, enricher: Enricher, catalog: Catalog, ignored: Ignored, unknown_intent: str = "intentional"
    ) -> None:
        self._enricher = enricher
        self._catalog = catalog
        self._visitors = Visitors(enricher, catalog)
        self._ignored = ignored
        self._unknown_intent = unknown_intent

    def post_view(self, arrival: Arrival, fields: PostView, post_id: int | str) -> Report:
        """Return the report of a view whose content is in the path."""
        return self.make(arrival, fields, post_id, intent_of(fields, self._unknown_intent, self._ignored))

    def make(self, arrival: Arrival, fields: View | PostView, post_id: int | str, default_type: str) -> Report:
        """Return the report of a view. `default_type` is the route's view type."""
        ignored, head = self._ignored, arrival.head
        referrer = fields.referrer if fields.referrer or head.route is not Route.PIXEL else head.referer
        who = self._visitors.named_in(arrival, fields, referrer)
        texts, playlist_id = who.texts, None
        if type(post_id) is not int or post_id >= HASHED_MIN:  # what most events have needs no second look
            post_id, named = content_number("post_id", post_id, self._catalog.references)
            texts += named
        if fields.playlist_id:
            playlist_id, named = content_number("playlist_id", fields.playlist_id, self._catalog.references)
            texts += named
        local = UNKNOWN_TIME
        if fields.local_datetime or fields.local_timezone:
            local = self._enricher.local_time(fields.local_datetime, fields.local_timezone, arrival.now_us)
        # By position, in the order of the fields, as `event_of` does it: names would cost 2 µs of each event.
        return Report(
            post_id,
            arrival.now_us,
            who.viewer_key,
            who.key_version,
            "web" if fields.source is None else source_of(fields, "web", ignored),
            default_type if fields.view_type is None else view_type_of(fields, default_type, ignored),
            None if fields.event_id is None else event_id_of(fields.event_id),
            None,  # device_time_us
            who.viewer_user_id,
            who.authenticated,
            who.trusted,
            who.bot,
            who.address_key,
            who.country_code,
            who.device_type,
            who.user_agent_hash,
            who.referrer_domain,
            None,  # player_key
            local.datetime,
            local.timezone,
            local.hour,
            local.weekday,
            None if fields.play_order is None else play_order_of(fields.play_order, ignored),
            None if fields.channel is None else channel_of(fields, ignored),
            fields.channel_context or None,
            playlist_id,
            texts,
        )
