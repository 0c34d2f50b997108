"""Write docs/model_zoo.md from model-index.yml and the configs.

python docs/generate/model_zoo.py
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from modelindex.load_model_index import load

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs' / 'model_zoo.md'
HEAD = '| Config | Detector, backbone | Data | Schedule | Images per GPU | Result |\n'
RULE = '|---|---|---|---|---|---|\n'
BASELINE = 'Baseline'
DETECTORS = {
    'atss': 'ATSS',
    'cascade_rcnn': 'Cascade R-CNN',
    'deformable_detr': 'Deformable DETR',
    'dino': 'DINO, 4 scales',
    'faster_rcnn': 'Faster R-CNN',
    'fcos': 'FCOS',
    'gfl': 'GFL',
    'mask_rcnn': 'Mask R-CNN',
    'retinanet': 'RetinaNet',
    'rtmdet': 'RTMDet-tiny',
    'yolox': 'YOLOX-s',
}
DATA = {'voc': 'PASCAL VOC 2007 + 2012', 'coco': 'COCO 2017', 'bccd': 'BCCD'}
SECTIONS = {
    'LossMix': 'Both images count, weighted by lambda. configs/lossmix says more.',
    'Union': 'Both images count at full weight. configs/union says more.',
    'Noise': 'The dominant image counts. configs/noise says more.',
    BASELINE: "mmdet's own configs, with a seed and resumable runs. "
    'YOLOX and RTMDet keep the MixUp of mmdet.',
    'LossMixTeacher': 'Domain adaptation; the data column says from where to where. '
    'configs/uda says more.',
}
INTRO = """# Model zoo

No config has been trained at its full schedule yet, and there are no weights to
download. "Not run" means: the tests build the config, train two iterations and evaluate
it. What has been trained are the thin detectors of the [studies](studies/README.md).

Schedules, learning rates and batch sizes are those of the mmdet config that each one
builds on. Configs of one detector and data set differ in the mixing only, so that
comparisons are fair. `x 3` is a `RepeatDataset`. Train with `mim train mmdet
configs/NAME.py`. From a wheel, `lossmix configs NAME` prints the path.
"""


def loader_of(config: Config) -> tuple[int, int]:
    """Images per GPU, and how often a data set is repeated in an epoch."""
    loader, times = config.train_dataloader, 1
    dataset: Any = loader.dataset
    while isinstance(dataset, dict):
        times *= dataset.get('times', 1) if dataset['type'] == 'RepeatDataset' else 1
        dataset = dataset.get('dataset')
    return loader.batch_size, times


def backbone_of(config: Config) -> str:
    """Depth or type of the backbone of a config."""
    model = config.model
    while 'backbone' not in model:
        model = model.detector
    backbone = model.backbone
    if 'ResNet' in backbone.type:
        thin = ' thin, from scratch' if backbone.get('base_channels', 64) < 64 else ''
        return f'R-{backbone.depth}{thin}'
    return backbone.type


def row(path: str, data: str, results: list) -> str:
    """The line of a config."""
    config = Config.fromfile(ROOT / path)
    images, times = loader_of(config)
    schedule = config.train_cfg
    if 'max_epochs' in schedule:
        length = f'{schedule.max_epochs}{f" x {times}" if times > 1 else ""} epochs'
    else:
        length = f'{schedule.max_iters:,} iterations'
    name = str(Path(path).with_suffix('')).removeprefix('configs/')
    detector = next(shown for key, shown in DETECTORS.items() if f'_{key}_' in path)
    if 'cutmix' in name:
        detector += ', CutMix'
    metrics = (f'{v} {k}' for r in results for k, v in r.metrics.items())
    cells = (
        f'[{name}](../{path})',
        f'{detector}, {backbone_of(config)}',
        data,
        length,
        str(images),
        ', '.join(metrics) or 'not run',
    )
    return f'| {" | ".join(cells)} |\n'


def rows() -> Iterator[tuple[str, str]]:
    """The section and the line of each config."""
    for model in load(str(ROOT / 'model-index.yml')).models:
        data = model.metadata.data['Training Data']
        if model.in_collection == 'LossMixTeacher':
            data = ' to '.join(data.split(', '))
        yield model.in_collection, row(model.config, data, model.results or [])
    for path in sorted((ROOT / 'configs').glob('baseline_*.py')):
        data = DATA[path.stem.rpartition('_')[2]]
        yield BASELINE, row(f'configs/{path.name}', data, [])


def page() -> str:
    """The whole page."""
    lines = list(rows())
    text = '<!-- Written by docs/generate/model_zoo.py -->\n' + INTRO
    for section, about in SECTIONS.items():
        about = re.sub(r'(configs/\w+) says', r'[\1](../\1/README.md) says', about)
        table = ''.join(line for name, line in lines if name == section)
        text += f'\n## {section}\n\n{about}\n\n{HEAD}{RULE}{table}'
    return text


if __name__ == '__main__':
    PAGE.write_text(page(), encoding='utf-8')
    print(PAGE)
