"""The limits of the HTTP door, from the settings: the one place where a setting becomes a limit."""

from __future__ import annotations

from config.settings import Http
from vts.capture.http.limits import Limits


def limits_of(http: Http) -> Limits:
    """Return the limits that these settings ask for. What is no setting keeps its shipped value."""
    return Limits(
        header_max_bytes=http.header_max_bytes,
        body_max_bytes=http.body_max_bytes,
        batch_body_max_bytes=http.batch_body_max_bytes,
        gunzip_max_bytes=http.gunzip_max_bytes,
        bulk_plain_max_bytes=http.bulk_plain_max_bytes,
        bulk_rows_max=http.bulk_rows_max,
        import_views_max=http.import_views_max,
        header_timeout_s=http.header_timeout_s,
        body_timeout_s=http.body_timeout_s,
        write_timeout_s=http.write_timeout_s,
        keep_alive_s=http.keep_alive_s,
        connections_max=http.connections_max,
    )
