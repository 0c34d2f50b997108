"""A burn-in that several adaptations have in common: trained once, by itself.

Until the teacher starts, runs that differ only in how they adapt take the same steps
with the same random numbers. Each is resumed from a copy of the end of the one burn-in
(:mod:`.go_on`), and ends with the weights that it would have had from a training in
one piece, to the bit.
"""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from typing import Any, Mapping, Sequence

from mmengine.config import Config

from .run_config import config_hash
from .run_folder import RunFolder
from .schema import as_list

# Arguments of LossMixTeacher that change no weight of a burn-in.
OF_ADAPTATION = (
    *('adaptation_mix', 'pseudo_labels', 'pseudo_policy'),
    *('momentum', 'keep_rate', 'roi_sampling'),
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


def share_burn_ins(
    runs: Sequence[RunFolder], data: Mapping[str, Any]
) -> list[RunFolder]:
    """Find the burn-ins that several runs have in common, and have not begun.

    Args:
        runs: Of a study; each is told of the burn-in that it shares.
        data: Of the study.

    Returns:
        list[RunFolder]: To be trained before the runs.
    """
    configs, sharing = {}, defaultdict(list)
    for run in runs:
        cfg = None if run.begun else burn_in_config(run.cfg)
        if cfg is not None:
            key = config_hash(cfg, data)
            configs[key] = cfg
            sharing[key].append(run)
    burn_ins = []
    for key, users in sharing.items():
        first = users[0]
        title = f'burn-in of {first.title} and {len(users) - 1} more'
        folder = first.folder.with_name(f'burn_in-{key}')
        burn_in = RunFolder(folder, title, configs[key], {}, first.facts)
        if len(users) > 1 or burn_in.finished:
            burn_in.iterations = configs[key].train_cfg.max_iters
            burn_in.start = first.start
            burn_ins.append(burn_in)
            for run in users:
                run.burn_in = burn_in
    return burn_ins
