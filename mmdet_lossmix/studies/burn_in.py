"""A burn-in that several adaptations have in common: trained once, by itself.

Until the teacher starts, cells that differ only in how they adapt take the same steps
with the same random numbers. Each is resumed from a copy of the end of the one burn-in,
and ends with the weights that it would have had from a training in one piece, to the
bit.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from mmengine.config import Config

from .cell_config import config_hash
from .training import Training

if TYPE_CHECKING:
    from .cell_run import CellRun

# Arguments of LossMixTeacher that a burn-in does not look at.
OF_ADAPTATION = (
    *('adaptation_mix', 'pseudo_labels', 'pseudo_policy'),
    *('keep_rate', 'freeze_bn', 'roi_sampling'),
)


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
    for key in OF_ADAPTATION:
        cfg.model.pop(key, None)
    cfg.train_cfg.max_iters = model.burn_in_iters
    return cfg


def share_burn_ins(cells: Sequence[CellRun], root: Path) -> list[Training]:
    """Find the burn-ins that several unfinished cells have in common.

    Args:
        cells: Of a study; each is told of the burn-in that it shares.
        root: The folder of the cells of all studies.

    Returns:
        list[Training]: To be run before the cells.
    """
    configs, sharing = {}, defaultdict(list)
    for cell in cells:
        cfg = burn_in_config(cell.cfg)
        if cfg is not None:
            key = config_hash(cfg, cell.study.data)
            configs[key] = cfg
            sharing[key].append(cell)
    burn_ins = []
    for key, users in sharing.items():
        if len(users) > 1 and not all(cell.finished for cell in users):
            first = users[0]
            burn_in = Training(
                f'burn-in of {first.title} and {len(users) - 1} more',
                configs[key],
                key,
                root / f'burn_in-{key}',
                first.launch,
                first.provenance,
            )
            for cell in users:
                cell.burn_in = burn_in
            burn_ins.append(burn_in)
    return burn_ins


def go_on_from(burn_in: Training, cell: Training) -> None:
    """Make a burn-in the first half of a cell's training, unless that has begun."""
    if any(cell.train_dir.glob('*.pth')) or cell.trained_file.is_file():
        return
    shutil.rmtree(cell.train_dir, ignore_errors=True)
    part = cell.folder / 'train.part'
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(burn_in.train_dir, part)
    usage = burn_in.folder / 'train.usage'
    if usage.is_file():  # what the burn-in took is part of what the cell takes
        shutil.copy(usage, cell.folder)
    part.rename(cell.train_dir)
