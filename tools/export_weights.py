"""Export the weights of a training checkpoint for use without this package.

A training checkpoint of mmengine also holds the optimizer and logged values, and torch
>= 2.6 refuses to read it unless mmdet_lossmix is imported. This command writes the
weights and plain Python values alone: stock `mim test mmdet`, `init_detector` and
`DetInferencer` load them with the plain detector's config. If the run had an EMAHook,
it writes the averaged weights.

Example:
    lossmix export work_dirs/lossmix_faster_rcnn_voc/epoch_4.pth weights.pth
"""

import argparse
import os
import pickle
import sys
from collections import OrderedDict
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional

import numpy as np
import torch

from mmdet_lossmix.checkpoint import allow_mmengine_checkpoints

META_KEYS = ('dataset_meta', 'epoch', 'iter', 'mmengine_version')
PARTS = ('student', 'teacher')


class ExportError(Exception):
    """The checkpoint cannot be exported; the message says why and what to do."""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', type=Path, help='a checkpoint of a training run')
    parser.add_argument('out', type=Path, help='the file to write')
    parser.add_argument(
        '--part', choices=PARTS, help='which of a teacher and its student to export'
    )
    parser.add_argument('--force', action='store_true', help='overwrite OUT')
    return parser.parse_args()


def export_weights(
    checkpoint: Path, out: Path, part: Optional[str] = None, force: bool = False
) -> str:
    """Write the weights of ``checkpoint`` to ``out``.

    Args:
        checkpoint (Path): A checkpoint that mmengine wrote.
        out (Path): The file to write.
        part (str, optional): Which of a teacher and its student to export.
        force (bool): Overwrite ``out``. Defaults to False.

    Returns:
        str: A line that says what was written.

    Raises:
        ExportError: If that cannot be done; ``out`` is then as it was.
    """
    if not checkpoint.is_file():
        raise ExportError(f'there is no file {checkpoint}.')
    if not out.parent.is_dir():
        raise ExportError(f'there is no folder {out.parent} to write {out.name} to.')
    if out.exists() and out.samefile(checkpoint):
        raise ExportError(
            f'{out} is the checkpoint itself, which a resume needs; name another file.'
        )
    if out.exists() and not force:
        raise ExportError(f'{out} exists; pass --force to overwrite it.')
    training = read_checkpoint(checkpoint)
    meta = {k: plain(v) for k, v in training['meta'].items() if k in META_KEYS}
    weights = select_part(training['state_dict'], part)
    write({'meta': meta, 'state_dict': weights}, out)
    kind = 'averaged weights (EMA)' if 'ema_state_dict' in training else 'weights'
    size = out.stat().st_size / 1e6
    return f'{out}: {kind} of iteration {meta["iter"]}, {size:.1f} MB'


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """Read a checkpoint of mmengine, with torch's protection on from torch 2.6.

    Before, torch has none that lets names through, and mmengine reads without it, too.

    Raises:
        ExportError: If it is none.
    """
    allow_mmengine_checkpoints()
    try:
        checkpoint = torch.load(path, map_location='cpu')  # the default since 2.6
    except Exception as error:  # torch has many, depending on how the file begins
        lines = str(error).splitlines() or [type(error).__name__]
        reason = next((x.strip() for x in lines if 'WeightsUnpickler' in x), lines[0])
        raise ExportError(f'{path} cannot be read as a checkpoint: {reason}') from error
    stored = checkpoint if isinstance(checkpoint, Mapping) else {}
    if not all(isinstance(stored.get(key), Mapping) for key in ('meta', 'state_dict')):
        raise ExportError(
            f'{path} is no checkpoint of an mmengine training, which holds `meta` and '
            '`state_dict`.'
        )
    return stored


def select_part(
    state_dict: Mapping[str, Any], part: Optional[str] = None
) -> 'OrderedDict[str, torch.Tensor]':
    """Copy the weights of the plain detector, and torch's versions of its modules.

    Raises:
        ExportError: If ``part`` is missing where there are two, or is not there.
    """
    present = [p for p in PARTS if any(k.startswith(f'{p}.') for k in state_dict)]
    if present and part is None:
        raise ExportError(
            f'it holds a {" and a ".join(present)}, not one detector; choose with '
            f'--part {" or --part ".join(present)}.'
        )
    if part is not None and part not in present:
        raise ExportError(f'it holds no {part}; leave out --part {part}.')
    if part == 'teacher' and not state_dict.get('teacher_started', True):
        raise ExportError(
            'its teacher has not started yet, and knows nothing; use --part student.'
        )
    prefix = f'{part}.' if part else ''

    def strip(mapping: Mapping[str, Any]) -> 'OrderedDict[str, Any]':
        inside = (k for k in mapping if k.startswith(prefix))
        return OrderedDict((k[len(prefix) :], mapping[k]) for k in inside)

    weights = strip(state_dict)
    for key, tensor in weights.items():
        weights[key] = tensor.clone()  # a view would be saved with all it is a view of
    weights._metadata = strip(getattr(state_dict, '_metadata', {}))  # type: ignore
    return weights


def plain(value: Any) -> Any:
    """Turn numpy's values into Python's, which every torch reads."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(v) for v in value)
    return value


def write(weights: Mapping[str, Any], out: Path) -> None:
    """Write a file that stock torch reads, or none.

    Raises:
        ExportError: If stock torch does not read it.
    """
    unfinished = out.with_name(f'.{out.name}.{os.getpid()}')
    try:
        torch.save(weights, unfinished)
        with empty_allow_list():
            torch.load(unfinished, map_location='cpu', weights_only=True)
        os.replace(unfinished, out)
    except pickle.UnpicklingError as error:
        raise ExportError(f'stock torch would not read {out}: {error}') from error
    finally:
        if unfinished.exists():
            unfinished.unlink()


@contextmanager
def empty_allow_list() -> Iterator[None]:
    """Take everything off torch's allow-list for a while."""
    serialization = torch.serialization
    if not hasattr(serialization, 'clear_safe_globals'):  # nor is there a list
        yield
        return
    allowed = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    try:
        yield
    finally:
        serialization.add_safe_globals(allowed)


def main() -> None:
    """Export, and say what was written."""
    try:
        print(export_weights(**vars(parse_args())))
    except (ExportError, OSError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
