"""Checkpoints of a wrapper with the keys of what it wraps."""

from collections import OrderedDict
from functools import partial
from typing import Any

from torch import nn


def keep_plain_keys(wrapper: nn.Module, child: str) -> None:
    """Make ``wrapper`` save and load the keys of its child, without the child's name.

    The wrapper has no other state. A model trained in it then loads into the plain
    config, strict, and a plain checkpoint into the wrapper; so do the averaged weights
    of ``EMAHook``, which wraps the wrapper once more.
    """
    # The public names of these are younger than the torch of many mmdet users.
    wrapper._register_state_dict_hook(partial(_strip, child))
    wrapper._register_load_state_dict_pre_hook(partial(_add, child), with_module=True)


def _strip(
    child: str, module: nn.Module, state_dict: OrderedDict, prefix: str, *_: Any
) -> None:
    _rename(state_dict, f'{prefix}{child}.', prefix)


def _add(
    child: str, module: nn.Module, state_dict: OrderedDict, prefix: str, *_: Any
) -> None:
    _rename(state_dict, prefix, f'{prefix}{child}.')


def _rename(state_dict: OrderedDict, old: str, new: str) -> None:
    """Replace the prefix ``old`` of keys and of module versions, in place."""
    for mapping in (state_dict, getattr(state_dict, '_metadata', {})):
        entries = list(mapping.items())
        mapping.clear()
        for key, value in entries:
            key = new + key[len(old) :] if key.startswith(old) else key
            mapping[key] = value
