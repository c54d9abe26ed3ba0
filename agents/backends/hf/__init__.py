"""Local models by transformers, in process: `hf/NAME` from the hub's cache, `hf/./PATH` from a folder.

Importing this package imports neither torch nor transformers; the first request does.
"""

from tertulia.agents.backends.hf.backend import HfBackend

__all__ = ["HfBackend"]
