"""What a question asks for: days, the length of lists, the page of a list. Raises Problem 400 that names the field."""

from __future__ import annotations

from collections.abc import Collection

from quart import Request

from vts.model.day import day_of
from vts.query.artist_posts import Asked, parse_asked, parse_posts
from vts.query.ranges import BadRange, parse_range
from vts.query.shape import parse_limit
from vts.query.value_trend import TrendOf, parse_trend_of
from vts.query.zone_days import Zone
from vts.web.answers import Problem


def days_of(asked: Request, now_us: int, zone: Zone | None = None) -> tuple[int, int]:
    """Return the first and the last day, inclusive, as numbers of days since 1970: UTC days, or a zone's dates."""
    args = asked.args
    today = day_of(now_us) if zone is None else zone.day_of(now_us)
    try:
        return parse_range(args.get("days"), args.get("from"), args.get("to"), today)
    except BadRange as fault:
        raise Problem(400, str(fault)) from None


def limit_of(asked: Request) -> int:
    """Return how long top lists are."""
    try:
        return parse_limit(asked.args.get("limit"))
    except BadRange as fault:
        raise Problem(400, str(fault)) from None


def posts_of(asked: Request) -> int:
    """Return how many of an artist's contents the statistics shall list, 0 for none."""
    try:
        return parse_posts(asked.args.get("posts"))
    except BadRange as fault:
        raise Problem(400, str(fault)) from None


def trend_of(asked: Request, allowed: Collection[str]) -> TrendOf | None:
    """Return the value whose days are asked for, None for none."""
    try:
        return parse_trend_of(asked.args.get("trend_of"), allowed)
    except BadRange as fault:
        raise Problem(400, str(fault)) from None


def page_of(asked: Request) -> Asked:
    """Return which page of an artist's contents is asked for, and in which order."""
    args = asked.args
    try:
        return parse_asked(args.get("sort"), args.get("limit"), args.get("offset"))
    except BadRange as fault:
        raise Problem(400, str(fault)) from None
