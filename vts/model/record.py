"""What a journal holds: a closed union. The structs are tagged, so that files of older versions stay readable."""

from __future__ import annotations

from vts.model.site import PlaybackEvent, SiteEvent
from vts.model.view import ViewEvent

Record = ViewEvent | SiteEvent | PlaybackEvent
