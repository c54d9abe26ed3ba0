"""A real but tiny chat model on disk, made in seconds: `python -m tests.tiny_model PATH`.

Its weights are random, so it is the hardest customer of constrained decoding: whatever a schema allows, it will say.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

CHAT_TEMPLATE = (
    "{% for message in messages %}<|turn|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
NO_SYSTEM_TEMPLATE = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}"
    "<|turn|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
)
SPECIAL_TOKENS = ["<|pad|>", "<|turn|>", "<|end|>"]

_CORPUS = (
    "Four friends have dinner in an old house. Alice knows the house was sold in spring and keeps it to herself.",
    "Bob asks who carried the cake from the kitchen to the cellar, and Carol answers that nobody went down.",
    "I believe that you think the meeting was moved; my friend works at the museum and plays the cello on Sundays.",
    '{"thought": "she does not know yet", "motivation": 3.5, "kind": "say", "to": ["bob", "carol"], "asserts": []}',
    '[{"kind": "pass"}, {"kind": "select", "friend": 7}, {"probability": 0.25, "value": true, "other": null}]',
    "Schön, daß Ärger und Übermut über Nacht vergehen: naïve café, señor, 東京, привет, 🙂👍🏽.",
)


def make_tiny_model(
    path: Path,
    *,
    seed: int = 0,
    template: str | None = CHAT_TEMPLATE,
    vocabulary: int = 600,
    hidden: int = 32,
    layers: int = 2,
    context: int = 4096,
    **config: Any,
) -> Path:
    """Write a random Qwen3-shaped model with a byte-level BPE tokenizer to `path`; returns `path`.

    The embedding has 24 more rows than the tokenizer has tokens, as real models often do.
    """
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = _tokenizer(vocabulary, template)
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer) + 24,
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": max(8, hidden // 4),
        "max_position_embeddings": context,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.3,  # large enough that replies differ from prompt to prompt
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3ForCausalLM(Qwen3Config(**(shape | config)))
    path.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def _tokenizer(vocabulary: int, template: str | None) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([*_CORPUS, json.dumps(_CORPUS)], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|end|>", pad_token="<|pad|>")
    tokenizer.chat_template = template
    return tokenizer


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.tiny_model PATH")
    print(make_tiny_model(Path(sys.argv[1])))
