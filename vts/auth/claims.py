"""Which principal the claims of a token name: its user and its roles, under the names that the host uses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vts.model.principal import ROLES, Principal
from vts.model.reference import BadReference, NoReferenceKey, References, as_number, number_of, plain_text

JTI_MAX_CHARS: Final = 255
_KNOWN_ROLES: Final = frozenset(ROLES)


class BadToken(Exception):
    """The token is not accepted. `reason` is one of a few fixed words; nothing of the token is in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """How a host names what VTS needs: the claims of the user and of the roles, and what its roles are here.

    `role_map`: a role of the host → ours; one that is not in it is ours if it has the name of ours. `role_flags`: a
    claim that gives our role when it is true.
    """

    user: str = "sub"
    roles: str = "roles"
    role_map: Mapping[str, str] = field(default_factory=dict)
    role_flags: Mapping[str, str] = field(default_factory=dict)


OWN_CLAIMS: Final = Claims()
"""Those of tokens that VTS signs itself."""


def principal_in(claims: Mapping[str, Any], names: Claims, references: References | None) -> Principal:
    """Return the principal of a token. Raises BadToken, and NoReferenceKey for a text while `references` is None."""
    roles = _roles(claims, names)
    user_id, user_text = _user(claims.get(names.user), references)
    principal = Principal(user_id, roles, _jti(claims.get("jti")), user_text=user_text)
    if user_id is None and not principal.reads_everything:  # a user's token needs a subject, an operator's does not
        raise BadToken("no subject")
    return principal


def _roles(claims: Mapping[str, Any], names: Claims) -> frozenset[str]:
    """Read the roles of VTS; a host application may have more of its own. None at all is a plain user."""
    flagged = {role for claim, role in names.role_flags.items() if claims.get(claim) is True}
    given = claims.get(names.roles)
    if given is None:
        return frozenset(flagged or ("user",))
    if isinstance(given, str) and names.roles != OWN_CLAIMS.roles:
        given = [given]  # of a claim like `role`, which holds a single one
    if not isinstance(given, list) or not all(isinstance(role, str) for role in given):
        raise BadToken("roles are not a list of words")
    return frozenset(names.role_map.get(role, role) for role in given) & _KNOWN_ROLES | flagged


def _user(claim: object, references: References | None) -> tuple[int | None, str | None]:
    """Read the user: a number or a text; by RFC 7519 a subject is a string, so that digits are a number, too."""
    if claim is None:
        return None, None
    if not isinstance(claim, int | str) or isinstance(claim, bool):
        raise BadToken("the subject is not a user id")
    try:
        number = number_of(claim) if isinstance(claim, int) else as_number(claim)
        if number is not None:
            return number, None
        text = plain_text(str(claim))
    except BadReference:
        raise BadToken("the subject is not a user id") from None
    if references is None:
        raise NoReferenceKey
    return references.user(text), text


def _jti(claim: object) -> str | None:
    if claim is None:
        return None
    if not isinstance(claim, str) or not 0 < len(claim) <= JTI_MAX_CHARS:
        raise BadToken("the token's id is not a short text")
    return claim
