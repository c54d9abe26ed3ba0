"""The language of searches, the same on both databases: words, "phrases", prefix*, -not, OR.

A word is a run of letters and digits, its case and accents aside; everything else stands between words. A text is found
by a search if it has all of its words; `OR` between two parts asks for either, and binds less than standing side by
side. What is joined by a sign (`it's`, `well-known`) is a phrase. Scripts that put no blanks between words are found by
their beginnings (`漢*`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from tertulia.storage.errors import QueryError

BETWEEN = (
    r"\u0001-/:-@\[-`{-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7"
    r"\u2000-\u206f\u20a0-\u20cf\u2190-\u245f\u2500-\u2bff\u3000-\u3004\u3008-\u3020\u3030"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U0001f000-\U0001faff"
)
"""What stands between words, as ranges in a class of a regular expression: Python and PostgreSQL read them alike, and
they are what SQLite's `unicode61` leaves out."""
ACCENTS = r"\u0300-\u036f"
"""The combining marks that a word is known without."""

_WORD = re.compile(f"[^{BETWEEN}\x00]+")
_ACCENTS = re.compile(f"[{ACCENTS}]+")
_PART = re.compile(r'(?P<dash>-?)(?:"(?P<phrase>[^"]*)(?P<end>"?)(?P<star>\*?)|(?P<bare>[^\s"]+))')


@dataclass(frozen=True, slots=True)
class Term:
    """Words in a row; with `prefix`, the last is the beginning of one."""

    words: tuple[str, ...]
    prefix: bool = False

    def at(self, words: list[str], place: int) -> bool:
        """Whether it stands at this place of a text."""
        there = words[place : place + len(self.words)]
        if len(there) < len(self.words) or tuple(there[:-1]) != self.words[:-1]:
            return False
        return there[-1].startswith(self.words[-1]) if self.prefix else there[-1] == self.words[-1]


@dataclass(frozen=True, slots=True)
class Group:
    """All that is wanted at once, and what must not be there."""

    wanted: tuple[Term, ...]
    unwanted: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked for: any of these groups."""

    groups: tuple[Group, ...]

    @classmethod
    def of(cls, asked: str) -> Search:
        """Raises `QueryError`, in a line that says what would be right."""
        groups: list[Group] = []
        wanted: list[Term] = []
        unwanted: list[Term] = []
        for found in _PART.finditer(asked):
            if found["bare"] == "OR" and not found["dash"]:
                groups.append(_group(wanted, unwanted, asked))
                wanted, unwanted = [], []
            elif found["bare"] != "AND" or found["dash"]:
                (unwanted if found["dash"] else wanted).append(_term(found))
        return cls((*groups, _group(wanted, unwanted, asked)))

    def fts5(self) -> str:
        """For SQLite's MATCH."""
        return " OR ".join(f"({_fts5(group)})" for group in self.groups)

    def tsquery(self) -> str:
        """For PostgreSQL, to be cast to `tsquery`: the words are as the index has them."""
        return " | ".join(f"({_tsquery(group)})" for group in self.groups)

    def hits(self, text: str) -> list[tuple[int, int]]:
        """Where in a text its words stand: `text[start:end]`, in order, none within another."""
        found = list(_WORD.finditer(text))
        words = [_folded(one[0]) for one in found]
        spans: list[tuple[int, int]] = []
        for place in range(len(words)):
            lengths = [len(t.words) for group in self.groups for t in group.wanted if t.at(words, place)]
            if lengths:
                start, end = found[place].start(), found[place + max(lengths) - 1].end()
                if not spans or start >= spans[-1][1]:
                    spans.append((start, end))
                elif end > spans[-1][1]:
                    spans[-1] = (spans[-1][0], end)
        return spans


def words_of(text: str) -> list[str]:
    """The words of a text as the indexes know them."""
    return [_folded(word) for word in _WORD.findall(text)]


def _folded(word: str) -> str:
    return word.lower() if word.isascii() else _ACCENTS.sub("", unicodedata.normalize("NFD", word.lower()))


def _term(found: re.Match[str]) -> Term:
    whole = found[0]
    if found["bare"] is None:
        if not found["end"]:
            raise QueryError(f'{whole}: a phrase without its second quotation mark; right would be {whole}"')
        text, prefix = found["phrase"], bool(found["star"])
    else:
        text, prefix = found["bare"].removesuffix("*"), found["bare"].endswith("*")
    words = words_of(text)
    if not words:
        raise QueryError(f"{whole}: there is no word in it to look for")
    if "*" in text:
        raise QueryError(f"{whole}: a * stands for the rest of a word, at its end: {words[0]}*")
    return Term(tuple(words), prefix)


def _group(wanted: list[Term], unwanted: list[Term], asked: str) -> Group:
    if wanted:
        return Group(tuple(wanted), tuple(unwanted))
    if unwanted:
        raise QueryError(f"{asked.strip()}: -word only leaves out; say too what to look for, as in: cake -kitchen")
    if asked.strip():
        raise QueryError(f"{asked.strip()}: OR stands between two things to look for, as in: cake OR tart")
    raise QueryError('what should be looked for? words, "phrases", prefix*, -not, OR')


def _fts5(group: Group) -> str:
    def one(term: Term) -> str:
        return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'

    wanted = " AND ".join(map(one, group.wanted))
    return f"({wanted}) NOT ({' OR '.join(map(one, group.unwanted))})" if group.unwanted else wanted


def _tsquery(group: Group) -> str:
    def one(term: Term) -> str:
        words = [f"'{word.replace(chr(92), chr(92) * 2)}'" for word in term.words]  # no quotation mark is in a word
        return f"({' <-> '.join(words)}{':*' if term.prefix else ''})"

    wanted = " & ".join(map(one, group.wanted))
    return f"{wanted} & !({' | '.join(map(one, group.unwanted))})" if group.unwanted else wanted
