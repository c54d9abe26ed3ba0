"""Finds out, before any request, whether a network's rows can be kept in slots."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from tertulia.agents.backends.hf.slots import Slots


def takes_slots(network: Any, device: torch.device) -> bool:
    """Whether a network works with slots: every layer attends to everything, and a trial gives what the network gives
    by itself. Sliding windows and recurrent states do not; some read more from a mask than which tokens to see."""
    try:
        cache: Any = DynamicCache(config=network.config)
        if not cache.layers or any(type(layer) is not DynamicLayer for layer in cache.layers):
            return False
        return _agrees(network, device)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError, KeyError):
        return False


def _agrees(network: Any, device: torch.device) -> bool:
    size = network.get_input_embeddings().weight.shape[0]
    texts = [[n * 7 % size for n in range(3, 3 + length)] for length in (4, 9)]
    slots = Slots(network, device, 0)
    rows: Any = [SimpleNamespace(tokens=list(text), prompt=len(text), reused=0) for text in texts]
    slots.record_nothing()
    given = [slots.add(rows)]
    for row in rows:
        row.tokens.append(5 % size)
    given.append(slots.step()[1])
    for passed, logits in enumerate(given):
        for row, found in zip(rows, logits, strict=True):
            ids = torch.tensor([row.tokens[: len(row.tokens) - 1 + passed]], device=device)
            alone = network(input_ids=ids, use_cache=False).logits[0, -1].float()
            share = 1e-3 if network.dtype == torch.float32 else 0.1
            if not (alone - found.float()).abs().max() <= share * alone.abs().max():
                return False
    return True
