"""Draws the next token of every row, each by its own settings and its own chance."""

from __future__ import annotations

from collections.abc import Sequence

import torch

_BITS = 8


def choose(
    logits: torch.Tensor,
    allowed: torch.Tensor,
    temperature: Sequence[float],
    top_p: Sequence[float],
    chance: Sequence[float],
) -> list[int]:
    """One token per row of `logits` [rows, vocabulary], among those whose bit is set in `allowed` [rows, words].

    Temperature 0 takes the likeliest token. Otherwise `chance` (0-1, uniform) is sought in the cumulative distribution
    of the row, so a row's token depends on nothing but that row. `top_p` keeps the smallest set of likeliest tokens
    that reaches this probability (nucleus sampling, Holtzman et al. 2020).
    """
    scores = logits.float().masked_fill_(~_unpack(allowed, logits), float("-inf"))
    greedy = scores.argmax(dim=-1)
    if not any(temperature):
        return [int(token) for token in greedy.tolist()]
    heat = torch.tensor(temperature, device=scores.device, dtype=scores.dtype)
    probabilities = torch.softmax(scores / torch.where(heat > 0, heat, 1.0).unsqueeze(1), dim=-1)
    for row, (share, warm) in enumerate(zip(top_p, temperature, strict=True)):
        if share < 1.0 and warm:
            probabilities[row] = _nucleus(probabilities[row], share)
    cumulative = probabilities.cumsum(dim=-1, dtype=torch.float64)
    point = torch.tensor(chance, device=scores.device, dtype=torch.float64).unsqueeze(1) * cumulative[:, -1:]
    # `right` finds the first entry above the point: never a token of probability 0. A point that rounds up to
    # the total would fall off the end, so the likeliest token stands in for it.
    drawn = torch.searchsorted(cumulative, point, right=True).squeeze(1)
    chosen = torch.where((heat > 0) & (drawn < scores.shape[1]), drawn, greedy)
    return [int(token) for token in chosen.tolist()]


def _unpack(allowed: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Packed bits, lowest first, as booleans [rows, vocabulary] beside the logits: unpacked where they are used,
    so that only an eighth of a byte per token travels to the device."""
    octets = allowed.view(torch.uint8).to(logits.device, non_blocking=True)
    shifts = torch.arange(_BITS, device=logits.device, dtype=torch.uint8)
    bits = (octets.unsqueeze(-1) >> shifts) & 1
    wide = bits.flatten(1).bool()
    short = logits.shape[1] - wide.shape[1]
    return torch.nn.functional.pad(wide, (0, short)) if short > 0 else wide[:, : logits.shape[1]]


def _nucleus(probabilities: torch.Tensor, share: float) -> torch.Tensor:
    ranked, order = probabilities.sort(descending=True, stable=True)
    before = ranked.cumsum(dim=0) - ranked
    kept = ranked.masked_fill(before >= max(share, 0.0), 0.0)
    kept[0] = ranked[0]
    return torch.zeros_like(probabilities).scatter_(0, order, kept)
