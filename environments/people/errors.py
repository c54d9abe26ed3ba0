"""What may go wrong with people at the table."""


class Unreadable(ValueError):
    """What a person sent cannot be done now; the message says why, and what could be."""


class Withdrawn(Exception):
    """A person takes back their part in the episode: it ends, and nothing more is done with it."""

    def __init__(self, seat: str, said: str = "") -> None:
        super().__init__(said or f"the person who played {seat} withdrew")
        self.seat = seat


class Declined(Withdrawn):
    """A person does not agree to take part: the episode ends before it begins, and nothing of them is kept."""

    def __init__(self, seat: str) -> None:
        super().__init__(seat, f"whoever was to play {seat} did not agree to take part")
