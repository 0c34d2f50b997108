"""A clone as a reader has it: with a small data set, a config and a finished run."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from tests.helpers import ROOT
from tests.helpers.pages import Command, words_of
from tests.helpers.tiny_coco import write_coco, write_own_data
from tests.helpers.tiny_configs import tiny_config
from tests.helpers.tiny_uda import tiny_uda_config
from tests.helpers.tiny_voc import write_voc

LEFT_OUT = re.compile(r'\.git|\.venv.*|data|work_dirs|build|dist|.*cache|.*\.egg-info')
RUN = Path('work_dirs/your_config')
YAML = re.compile(r'```yaml\n(.*?)```', re.S)


def your_config(folder: Path) -> Config:
    """The config of docs/your_data.md, shrunk, for two epochs."""
    page = (ROOT / 'docs/your_data.md').read_text(encoding='utf-8')
    block = re.search(r'```python\n(.*?)```', page, re.S)
    assert block
    path = folder / 'as_it_stands.py'
    path.write_text(block[1])
    return tiny_config(str(path), folder / 'mine', RUN, **{'train_cfg.max_epochs': 2})


def make_clone(folder: Path) -> Path:
    """Copy the repository, and put beside it what its pages talk of.

    ``your_config.py`` has run for one of its two epochs. The run is that of
    ``work_dirs/lossmix`` and ``plain``, too, and its checkpoint has all names in use.
    """
    clone = folder / 'clone'
    clone.mkdir()
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, clone)
        elif not LEFT_OUT.fullmatch(path.name):
            without = shutil.ignore_patterns('__pycache__')
            shutil.copytree(path, clone / path.name, ignore=without)
    (clone / '.venv').symlink_to(sys.prefix)
    write_own_data(folder / 'mine')
    write_voc(folder / 'VOCdevkit')
    write_coco(folder / 'coco')
    cfg = your_config(folder)
    cfg.dump(clone / 'your_config.py')
    cfg.work_dir = str(clone / RUN)
    cfg.visualizer.name = cfg.experiment_name = f'the clone in {folder}'
    cfg.train_cfg.max_epochs = 1
    Runner.from_cfg(cfg).train()
    checkpoint = (clone / RUN / 'epoch_1.pth').rename(clone / RUN / 'epoch_12.pth')
    (clone / RUN / 'last_checkpoint').write_text(str(RUN / checkpoint.name))
    for name in ('lossmix_0', 'plain_0', 'plain_config', 'lossmix_faster_rcnn_voc'):
        shutil.copytree(clone / RUN, clone / 'work_dirs' / name)
    checkpoint = clone / 'work_dirs/lossmix_faster_rcnn_voc/epoch_12.pth'
    checkpoint.rename(checkpoint.with_name('epoch_4.pth'))
    return clone


def prepare(command: Command, clone: Path, beside: Path) -> None:
    """Shrink the shipped config that a command names, and write the study of its page.

    Args:
        command (Command): What is to run in ``clone``.
        clone (Path): A copy of :func:`make_clone`'s.
        beside (Path): The folder that has its data.
    """
    if 'your_study.yml' in command.text:
        prepare_study(command.page, clone, beside)
    for word in words_of(command):
        name = word[len('configs/') : -len('.py')]
        work_dir = f'work_dirs/{Path(name).name}'
        if 'configs/uda/demo_' in word:
            small = tiny_uda_config(
                Path(name).name[len('demo_') :], beside / 'VOCdevkit', work_dir
            )
        elif word.startswith('configs/') and 'uda' not in word:
            data = 'coco' if 'coco' in word else 'VOCdevkit'
            small = tiny_config(
                name, beside / data, work_dir, **{'train_cfg.max_epochs': 1}
            )
        elif word == 'faster-rcnn_r50_fpn_1x_voc0712.py':
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(clone)
                cfg = Config.fromfile('your_config.py')
                small = export_run(clone / RUN / 'epoch_12.pth', cfg)
        elif word == 'plain_config.py':
            small = plain(Config.fromfile(clone / 'your_config.py'))
        else:
            continue
        small.dump(clone / word)


def prepare_study(page: Path, clone: Path, beside: Path) -> None:
    """Write the study of a page, or that of docs/decide.md, and what it is about."""
    studies = YAML.findall(page.read_text(encoding='utf-8'))
    studies += YAML.findall((ROOT / 'docs/decide.md').read_text(encoding='utf-8'))
    # Three seeds are three times the same.
    study = studies[0].replace('seed: [0, 1, 2]', 'seed: [0]')
    (clone / 'your_study.yml').write_text(study)
    cfg = plain(Config.fromfile(clone / 'your_config.py'))
    for name in ('plain_config.py', 'your_config.py'):
        cfg.dump(clone / name)
    for ours, theirs in (('train', 'train'), ('val', 'valid')):  # of docs/studies.md
        folder = clone / 'data/mine' / theirs
        shutil.copytree(beside / 'mine' / ours, folder)
        shutil.copy(beside / f'mine/{ours}.json', folder / '_annotations.coco.json')


def plain(cfg: Config) -> Config:
    """A config without LossMix and without this package; changed in place."""
    cfg.model.type = cfg.model.pop('detector')
    cfg.model.data_preprocessor.pop('batch_augments')
    for key in ('custom_imports', 'custom_hooks'):
        cfg.pop(key, None)
    return cfg


def export_run(checkpoint: Path, cfg: Config) -> Config:
    """Export to ``weights.pth`` here; the config without LossMix."""
    sys.path.insert(0, str(ROOT / 'tools'))
    from export_weights import export_weights

    export_weights(checkpoint, Path('weights.pth').absolute())
    return plain(cfg)
