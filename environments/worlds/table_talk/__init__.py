"""Table talk: an open conversation with private facts, whispers, people who come and go, and a script of events."""

from tertulia.environments.worlds.table_talk.acts import Leave, Move, Part, Whisper
from tertulia.environments.worlds.table_talk.params import TableParams, TableSeat
from tertulia.environments.worlds.table_talk.rules import TableTalkRules
from tertulia.environments.worlds.table_talk.state import TableState
from tertulia.environments.worlds.table_talk.world import TableTalk

__all__ = ["Leave", "Move", "Part", "TableParams", "TableSeat", "TableState", "TableTalk", "TableTalkRules", "Whisper"]
