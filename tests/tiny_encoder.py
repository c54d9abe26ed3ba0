"""A real but tiny sentence encoder on disk, made in a second: it knows which words mean the same, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

CONCEPTS: tuple[tuple[str, ...], ...] = (
    ("boat", "ship", "vessel"), ("harbour", "port", "docks"), ("coats", "jackets"), ("warm", "heated"),
    ("evening", "night"), ("salad", "greens"), ("rain", "drizzle"), ("market", "shop"), ("sea", "ocean"),
)  # fmt: skip


def make_tiny_encoder(
    path: Path, concepts: Sequence[Sequence[str]] = CONCEPTS, *, pooling: str | None = None, dense: bool = False
) -> Path:
    """Write a BERT without layers, in which each concept has a direction of its own and all other words share one, to
    `path`; returns `path`. `pooling` and `dense` write what sentence-transformers would say of it."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", *(word for concept in concepts for word in concept)]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    size = 8 * ((len(concepts) + 9) // 8)
    model = BertModel(
        BertConfig(
            vocab_size=len(words), hidden_size=size, num_hidden_layers=0, num_attention_heads=1, intermediate_size=8,
            max_position_embeddings=64,
        )
    )  # fmt: skip
    table = torch.zeros(len(words), size)
    table[1, -1] = 0.2  # words it does not know weigh little
    for direction, concept in enumerate(concepts):
        for word in concept:
            table[words.index(word), direction] = 1.0
    with torch.no_grad():
        model.embeddings.word_embeddings.weight.copy_(table)
        for other in (model.embeddings.position_embeddings, model.embeddings.token_type_embeddings):
            other.weight.zero_()
    path.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(path)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(path)
    if pooling is not None:
        (path / "1_Pooling").mkdir()
        (path / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{pooling}": True}))
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    if pooling is not None or dense:
        modules = [{"type": f"sentence_transformers.models.{kind}"} for kind in kinds]
        (path / "modules.json").write_text(json.dumps(modules))
    return path
