"""Makes a training's folder ready to be gone on with; the rule ``train`` calls it.

Prints ``--resume`` if there is a checkpoint: mim's option would drop a config's
``load_from`` in a training that begins.
"""

import re
import shutil
import sys
import zipfile
from pathlib import Path


def go_on(folder: Path, burn_in: 'Path | None' = None) -> bool:
    """Let a training go on from its last whole checkpoint, or from a burn-in's.

    Args:
        folder: Of the run.
        burn_in: Of the burn-in that it shares, which is through.

    Returns:
        bool: Whether there is a checkpoint to resume from.
    """
    resumed = repair_pointer(folder / 'train')
    if resumed or burn_in is None:
        return resumed
    part = folder / 'train.part'
    for path in (folder / 'train', part):
        shutil.rmtree(path, ignore_errors=True)
    others = shutil.ignore_patterns('*.pth', 'vis_image')
    shutil.copytree(burn_in / 'train', part, ignore=others)
    shutil.copy(
        burn_in / 'train' / (burn_in / 'trained').read_text(encoding='utf-8').strip(),
        part,
    )
    shutil.copy(burn_in / 'facts.json', folder / 'burn_in.json')
    # What the burn-in took is part of what the run takes.
    shutil.copy(burn_in / 'train.tsv', folder / 'burn_in.tsv')
    part.rename(folder / 'train')
    return repair_pointer(folder / 'train')


def repair_pointer(train_dir: Path) -> bool:
    """Let ``last_checkpoint`` name a whole checkpoint, after a kill at any moment.

    mmengine resumes from the file that it names, be it there or not. Checkpoints that
    were cut off are deleted.

    Returns:
        bool: Whether there is one.
    """
    checkpoints = {}
    for path in train_dir.glob('*.pth'):
        if not zipfile.is_zipfile(path):
            path.unlink()
        elif re.fullmatch(r'(epoch|iter)_\d+', path.stem):
            checkpoints[int(path.stem.split('_')[1])] = path
    pointer = train_dir / 'last_checkpoint'
    if checkpoints:
        pointer.write_text(str(checkpoints[max(checkpoints)]), encoding='utf-8')
    else:
        pointer.unlink(missing_ok=True)
    return bool(checkpoints)


if __name__ == '__main__':
    if go_on(*map(Path, sys.argv[1:])):
        print('--resume')
