"""A burn-in that several adaptations have in common: trained once, by itself.

Until the teacher starts, cells that differ only in how they adapt take the same steps
with the same random numbers. Each is resumed from a copy of the end of the one burn-in,
and ends with the weights that it would have had from a training in one piece, to the
bit.
"""

from __future__ import annotations

import shutil
import zipfile
from collections import defaultdict
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from mmengine.config import Config

from .cell_config import config_hash
from .schema import as_list
from .training import Training, last_checkpoint

if TYPE_CHECKING:
    from .cell_run import CellRun

# Arguments of LossMixTeacher that change no weight of a burn-in.
OF_ADAPTATION = (
    *('adaptation_mix', 'pseudo_labels', 'pseudo_policy'),
    *('momentum', 'keep_rate', 'roi_sampling'),
)
ORIGIN = 'burn_in.json'  # of a cell: by which code its burn-in was trained


def burn_in_config(cfg: Config) -> Config | None:
    """The config of a training's burn-in alone.

    Returns:
        Config: None if there is no burn-in followed by an adaptation, or a hook counts
        from the end of the training.
    """
    model, end = cfg.model, cfg.train_cfg.get('max_iters', 0)
    if model.type != 'LossMixTeacher' or not 0 < model.burn_in_iters < end:
        return None
    if any(hook.type == 'StopMixingHook' for hook in cfg.get('custom_hooks', [])):
        return None
    cfg = deepcopy(cfg)
    checked = cfg.model.get('pseudo_labels', {}) is not None
    for key in OF_ADAPTATION:
        cfg.model.pop(key, None)
    if not checked:  # a student that never sees the target has no views to check
        cfg.model.pseudo_labels = None
    for scheduler in as_list(cfg.get('param_scheduler') or []):
        if not scheduler.get('by_epoch', True):
            scheduler.setdefault('end', end)  # mmengine's default, of the whole
    cfg.train_cfg.max_iters = model.burn_in_iters
    return cfg


def share_burn_ins(cells: Sequence[CellRun], root: Path) -> list[Training]:
    """Find the burn-ins that several cells have in common, and have not begun.

    Args:
        cells: Of a study; each is told of the burn-in that it shares.
        root: The folder of the cells of all studies.

    Returns:
        list[Training]: To be run before the cells.
    """
    configs, sharing = {}, defaultdict(list)
    for cell in cells:
        cfg = None if has_begun(cell) else burn_in_config(cell.cfg)
        if cfg is not None:
            key = config_hash(cfg, cell.study.data)
            configs[key] = cfg
            sharing[key].append(cell)
    burn_ins = []
    for key, users in sharing.items():
        first = users[0]
        more = f' and {len(users) - 1} more' if len(users) > 1 else ''
        burn_in = Training(
            f'burn-in of {first.title}{more}',
            configs[key],
            key,
            root / f'burn_in-{key}',
            first.launch,
            first.provenance,
        )
        if more or burn_in.finished:
            burn_ins.append(burn_in)
            for cell in users:
                cell.burn_in = burn_in
    return burn_ins


def has_begun(cell: Training) -> bool:
    """Whether a training has a whole checkpoint to go on from, or is through."""
    checkpoints = cell.train_dir.glob('*.pth')
    return cell.trained_file.is_file() or any(map(zipfile.is_zipfile, checkpoints))


def go_on_from(burn_in: Training, cell: Training) -> None:
    """Make a burn-in the first part of a cell's training, unless that has begun."""
    if has_begun(cell):
        return
    shutil.rmtree(cell.train_dir, ignore_errors=True)
    part = cell.folder / 'train.part'
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(
        burn_in.train_dir, part, ignore=shutil.ignore_patterns('*.pth', 'vis_image')
    )
    shutil.copy(last_checkpoint(burn_in.train_dir), part)
    shutil.copy(burn_in.trained_file, cell.folder / ORIGIN)
    usage = burn_in.folder / 'train.usage'
    if usage.is_file():  # what the burn-in took is part of what the cell takes
        shutil.copy(usage, cell.folder)
    part.rename(cell.train_dir)
