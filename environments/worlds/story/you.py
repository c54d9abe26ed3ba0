"""A story told to one of its characters: its name becomes "you", and the verbs beside it agree."""

from __future__ import annotations

import re

_IRREGULAR = {"is": "are", "was": "were", "has": "have", "does": "do"}
_NO_VERBS = frozenset({"always", "perhaps", "sometimes", "afterwards", "besides", "across", "this", "thus", "alas"})
_LATER_VERB = re.compile(
    r"((?:,|,? and) (?:then )?)([a-z]+s)"
    r"(?= (?:the|a|an|it|them|what|that|his|her|their|to|into|out|in|up|down|back|away)\b)"
)
"""A verb that goes on with the subject of its sentence, by what comes after it."""
_ASKING = "|".join(_IRREGULAR)


def as_you(text: str, name: str) -> str:
    """The text with `name` as "you". Only words beside the name change: a pronoun for it elsewhere stays."""
    who = re.escape(name)
    text = re.sub(rf"\b{who}'s\b", "your", text)
    text = re.sub(rf"\b({_ASKING}) {who}\b", lambda m: f"{_plural(m[1])} {name}", text, flags=re.IGNORECASE)
    beside = rf"\b((?:do|are|were|have) )?({who} (?:really |truly )?)([a-z]+)\b"
    text = re.sub(rf"^{who} [a-z]+s\b[^.!?]*", _with_later_verbs, text)
    text = re.sub(beside, lambda m: m[0] if m[1] else m[2] + _plural(m[3]), text)
    return _capital(re.sub(rf"\b{who}\b", "you", text))


def _with_later_verbs(found: re.Match[str]) -> str:
    """One subject, several verbs: "Ella comes in, sees the box and opens it"."""
    return _LATER_VERB.sub(lambda verb: verb[1] + _plural(verb[2]), found[0])


def _plural(verb: str) -> str:
    """The form of a verb beside "you"; a word that is no verb in the third person stays."""
    if verb.lower() in _IRREGULAR:
        changed = _IRREGULAR[verb.lower()]
        return changed.capitalize() if verb[0].isupper() else changed
    if verb in _NO_VERBS or not verb.endswith("s") or verb.endswith(("ss", "us", "is")):
        return verb
    if verb.endswith("ies"):
        return f"{verb[:-3]}y"
    return verb[:-2] if re.search(r"(?:sh|ch|ss|x|zz|o)es$", verb) else verb[:-1]


def _capital(text: str) -> str:
    """A sentence that now begins with a small "you" gets its capital back."""
    return re.sub(r"(^|[.!?] )(you\b)", lambda found: f"{found[1]}{found[2].capitalize()}", text)
