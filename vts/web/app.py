"""The web application: which routes there are, and what every answer carries."""

from __future__ import annotations

from collections.abc import Iterator

from quart import Blueprint, Response, request
from quart_trio import QuartTrio

from vts.auth.sessions import LOOPBACK_COOKIE, SECURE_COOKIE
from vts.capture.http.limits import Limits
from vts.web import (
    admin,
    artists,
    audit,
    content,
    content_sync,
    counts,
    docs,
    exports,
    imports,
    live_events,
    login,
    login_links,
    openapi,
    operations,
    outcomes,
    pages,
    personal_data,
    players,
    playlists,
    posts,
    reactions,
    scripts,
    sessions,
    share_links,
    shared,
    top,
)
from vts.web.answers import SECURITY_HEADERS, install_error_answers
from vts.web.attempts import Attempts
from vts.web.compression import compress
from vts.web.cors import allow_every_page, allow_page, is_public
from vts.web.naming import NameConverter, Naming
from vts.web.origin import check_host
from vts.web.parameters import take_described_only
from vts.web.services import Services
from vts.web.sign_in_door import SignInDoor
from vts.web.static_files import asset
from vts.web.table_answers import Answers
from vts.web.whole_requests import WholeRequests

_COOKIES = (SECURE_COOKIE, LOOPBACK_COOKIE)


def create_app(services: Services, limits: Limits) -> QuartTrio:
    """Build the Quart application. It is served behind a door with the same limits."""
    app = QuartTrio("vts.web", static_folder=None)  # `scripts` serves files
    app.asgi_http_class = WholeRequests
    app.config["MAX_CONTENT_LENGTH"] = max(limits.batch_body_max_bytes, limits.body_max_bytes)
    app.url_map.merge_slashes = False  # the redirect would name the Host that was sent
    app.jinja_env.globals["asset"] = asset
    app.url_map.converters["name"] = NameConverter
    install_error_answers(app)
    for routes in _blueprints(services, limits):
        app.register_blueprint(routes)
    take_described_only(app, openapi.document(limits))

    @app.before_request
    async def guard_session() -> None:
        """A browser sends its cookie wherever a name leads: it counts only under a name that is ours."""
        if is_public(request):
            return  # no cookie counts there
        if not request.cookies.keys().isdisjoint(_COOKIES) and "Authorization" not in request.headers:
            check_host(request, services.access)

    @app.after_request
    async def guard(answer: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            answer.headers.setdefault(name, value)
        if is_public(request):
            allow_every_page(request, answer)
        else:
            allow_page(request, answer, services.access.allowed_origins)
        await compress(request, answer)
        return answer

    return app


def _blueprints(services: Services, limits: Limits) -> Iterator[Blueprint]:
    """Give the routes; each group gets the ports that it needs."""
    access, capture, exporting, persons = services.access, services.capture, services.exports, services.persons
    catalog, questions = services.catalog.memory, services.questions
    naming = Naming(catalog, questions)
    answers = Answers(naming, exporting, services.zones)
    yield content_sync.blueprint(access, services.catalog.sync, persons.audit, naming, limits)
    yield content.blueprint(access, services.catalog.writes, persons.audit, naming, limits, questions)
    yield counts.blueprint(access, catalog, questions, naming, services.known_counts)
    listing = players.Listing(questions, answers)
    yield players.blueprint(access, services.catalog.writes, persons.audit, naming, limits, listing)
    yield posts.blueprint(access, catalog, questions, answers)
    yield top.blueprint(access, questions, answers)
    yield reactions.blueprint(access, capture.reactions, naming, limits)
    yield artists.blueprint(access, questions, answers)
    yield admin.blueprint(access, questions, answers, catalog)
    yield outcomes.blueprint(access, questions, answers, services.outcome_feed)
    yield playlists.blueprint(access, catalog, questions, answers)
    yield personal_data.blueprint(access, persons.data, persons.audit, exporting, naming)
    yield audit.blueprint(access, persons.audit, answers)
    yield exports.blueprint(access, exporting, persons.audit)
    yield imports.blueprint(access, capture.imports, persons.audit, naming, limits)
    yield live_events.blueprint(access, services.live_events)
    yield operations.blueprint(services.health)
    yield pages.blueprint(access, services.health)
    sign_in = services.signing.sign_in
    door = SignInDoor(access, sign_in, Attempts())
    yield login.blueprint(access, sign_in, door)
    yield sessions.blueprint(access, sign_in, door, naming)
    yield login_links.blueprint(access, sign_in, persons.audit, naming)
    shares = services.signing.share_links
    yield share_links.blueprint(access, catalog, shares, naming)
    yield shared.blueprint(access, shares, questions, naming, Attempts())
    yield docs.blueprint(access, limits)
    yield scripts.blueprint()
