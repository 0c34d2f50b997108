"""The checkpoint to resume from, if the newest one is gone or cut off."""

from pathlib import Path
from zipfile import is_zipfile

from mmengine.runner import Runner, find_latest_checkpoint


def resume_from_whole_checkpoint(runner: Runner) -> None:
    """Have a run, before it resumes, go on from its newest whole checkpoint.

    mmengine goes by the file ``last_checkpoint`` alone. Without it a resumed run starts
    from the beginning, and a checkpoint that a full disk has cut off ends it.
    """
    if not runner._resume or runner._load_from is not None:
        return
    folder = Path(runner.work_dir)
    named = (folder / 'last_checkpoint').is_file()
    latest = find_latest_checkpoint(runner.work_dir) if named else None
    if latest is not None and is_zipfile(latest):
        return
    saved = sorted(folder.glob('*.pth'), key=lambda path: path.stat().st_mtime)
    whole = [path for path in saved if is_zipfile(path) and 'best_' not in path.name]
    if whole:
        why = f'{latest} is cut off or gone' if latest else 'last_checkpoint is gone'
        runner.logger.warning(
            f'Resuming from {whole[-1]}, the newest whole checkpoint: {why}.'
        )
        runner._load_from = str(whole[-1])
