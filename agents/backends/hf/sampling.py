"""Draws the next token of every row, each by its own settings and its own chance."""

from __future__ import annotations

from collections.abc import Sequence

import torch

_COLDEST = 1e-4
"""Below this temperature the likeliest token is taken."""
_NEVER = float("-inf")


def choose(
    logits: torch.Tensor,
    allowed: torch.Tensor,
    temperature: Sequence[float],
    top_p: Sequence[float],
    keys: Sequence[int],
) -> list[int]:
    """One token per row of `logits` [rows, vocabulary], among those whose bit is set in `allowed` [rows, words]; -1
    where a logit is not a number.

    Temperature 0 takes the likeliest token. Otherwise the token is the maximum of logits / temperature + Gumbel noise,
    which follows the softmax exactly; the noise is a hash of the row's key (32 bits) and the token. So a row's token
    depends on nothing but that row, and a rounding difference of its logits hardly ever changes it; seeking one
    uniform number in the cumulative distribution would add up the rounding of the whole vocabulary.
    `top_p` keeps the smallest set of likeliest tokens that reaches this probability (nucleus sampling, Holtzman et al.
    2020).
    """
    scores = logits.float().masked_fill(~_unpack(allowed, logits), _NEVER)
    heat = _sent(temperature, torch.float32, scores).unsqueeze(1)
    warm = heat > _COLDEST
    scores = scores / torch.where(warm, heat, 1.0)
    rows = [n for n, (share, t) in enumerate(zip(top_p, temperature, strict=True)) if share < 1.0 and t > _COLDEST]
    if rows:
        scores[rows] = _nucleus(scores[rows], [top_p[row] for row in rows])
    if max(temperature) > _COLDEST:
        scores = torch.where(warm, scores + _gumbel(keys, scores), scores)
    best, token = scores.max(dim=-1)
    return [int(token) for token in torch.where(best.isnan(), -1, token).tolist()]


def _unpack(allowed: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Packed bits, lowest first, as booleans [rows, vocabulary] beside the logits: unpacked where they are used,
    so that only an eighth of a byte per token travels to the device."""
    octets = allowed.view(torch.uint8).to(logits.device, non_blocking=True)
    shifts = torch.arange(8, device=logits.device, dtype=torch.uint8)
    bits = (octets.unsqueeze(-1) >> shifts) & 1
    return bits.flatten(1)[:, : logits.shape[1]].bool()


def _sent(numbers: Sequence[float], dtype: torch.dtype, like: torch.Tensor) -> torch.Tensor:
    """On the device of `like`, without waiting for what it works on."""
    return torch.tensor(numbers, dtype=dtype).to(like.device, non_blocking=True)


def _nucleus(scores: torch.Tensor, shares: Sequence[float]) -> torch.Tensor:
    ranked, order = torch.softmax(scores, dim=-1).sort(dim=-1, descending=True, stable=True)
    before = ranked.cumsum(dim=-1) - ranked
    outside = before >= torch.tensor(shares, device=scores.device).unsqueeze(1)
    outside[:, 0] = False
    return scores.masked_fill(torch.zeros_like(outside).scatter_(1, order, outside), _NEVER)


def _gumbel(keys: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    """Standard Gumbel noise [rows, vocabulary]: the same for the same key on every device and in every company."""
    key = _sent([_signed(key) for key in keys], torch.int32, like).unsqueeze(1)
    token = torch.arange(like.shape[1], device=like.device, dtype=torch.int32)
    bits = _mix(_mix(key) + token * _signed(0x9E3779B1))
    # 23 bits and a half: strictly between 0 and 1, and exact in single precision.
    uniform = (bits >> 9).bitwise_and_(0x7FFFFF).float().add_(0.5).mul_(2.0**-23)
    return uniform.log_().neg_().log_().neg_()


def _mix(bits: torch.Tensor) -> torch.Tensor:
    """A bijection of 32 bits in which every bit sways all others. Constants: C. Wellons, "Prospecting for hash
    functions" (2018), the one of lowest bias with two multiplications."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits = (bits ^ ((bits >> shift) & (1 << 32 - shift) - 1)) * _signed(factor)
    return bits ^ ((bits >> 16) & 0xFFFF)


def _signed(word: int) -> int:
    return word - (1 << 32) if word >= 1 << 31 else word
