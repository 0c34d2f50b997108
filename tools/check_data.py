"""Find missing, misnamed or broken data of a config before you train.

The command builds every dataset of training, validation and test by mmdet's own code,
so it reads what a training reads. It looks for each image, and counts the objects of
each class. It compares `num_classes` of the model's heads with the classes of the
training data. It decodes no image. It ends with status 1 if anything is wrong.

Example:
    lossmix check configs/lossmix_faster_rcnn_voc.py
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import cv2
from command_line import any_letters, read_config, similar
from mmdet.registry import DATASETS
from mmengine.config import DictAction
from mmengine.fileio import exists
from mmengine.registry import init_default_scope
from tqdm import tqdm

from mmdet_lossmix.datasets.labels import check_labels
from mmdet_lossmix.datasets.walk import dicts_in

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
SHOWN = 3  # examples of each kind of problem
REMEDY = 'Put the data there, or set `data_root` with --cfg-options'
NO_INFO: dict = dict(img_id='', width=1, height=1, instances=[])


class Report(NamedTuple):
    """What is known of a dataset.

    Attributes:
        images (int): How many it lists.
        objects (dict[str, int]): How many of each class.
        problems (list[str]): What is wrong, a line each.
    """

    images: int
    objects: dict[str, int]
    problems: list[str]


def datasets_in(config: Any) -> Iterator[dict]:
    """The configs of datasets that read files, however deep wrappers nest."""
    for node in dicts_in(config):
        if 'type' in node and ('data_root' in node or 'ann_file' in node):
            yield node


def check(config: dict) -> Report:
    """Build a dataset and look for its images.

    Args:
        config (dict): Of a dataset that reads files.
    """
    problems: list[str] = []
    try:
        # An image without objects is to be looked for, too.
        dataset = DATASETS.build(
            {**config, 'pipeline': [], 'filter_cfg': None, 'lazy_init': True}
        )
        unreadable = _load_all(dataset)
        check_labels(dataset)
    except Exception as error:  # whatever a dataset may raise, as a training would
        return Report(0, {}, [_explained(error)])
    problems += _examples(unreadable, 'annotations cannot be read')
    infos = [info for info in dataset.data_list if info is not NO_INFO]
    problems += _check_images(infos, _backend_of(config, dataset))
    objects: Counter = Counter()
    for info in infos:
        objects.update(int(instance['bbox_label']) for instance in info['instances'])
    classes = dataset.metainfo.get('classes') or ()
    counts = {name: objects[label] for label, name in enumerate(classes)}
    if not dataset.data_list:
        problems.append('it lists no image')
    return Report(len(dataset.data_list), counts, problems)


def heads_of_other_counts(model: Any, classes: int) -> Iterator[tuple[str, int]]:
    """Yield the heads that count other classes than the data, with their number.

    Args:
        model (dict): Config of a detector, wrapped or not.
        classes (int): How many the dataset of the training has.
    """
    nodes = list(dicts_in(model))
    if any('language_model' in node for node in nodes):
        return  # prompts of any number: `num_classes` is no count of classes
    for node in nodes:
        kind = node.get('type', 'a head')
        count = node.get('num_classes', classes)
        if count != classes and not re.search('RPN|Semantic', str(kind)):
            yield kind, count


def _load_all(dataset: Any) -> list[str]:
    """Have a dataset read its annotations; name the files that it cannot read."""
    unreadable: list[str] = []
    parse = dataset.parse_data_info

    def parse_named(raw: dict) -> Any:
        try:
            return parse(raw)
        except Exception as error:
            raw = raw.get('raw_img_info', raw)  # of COCO
            name = raw.get('xml_path') or raw.get('file_name') or raw.get('img_id')
            unreadable.append(f'{name} ({type(error).__name__}: {error})')
            return NO_INFO

    dataset.parse_data_info = parse_named
    dataset.full_init()
    dataset.data_list = [dataset.get_data_info(i) for i in range(len(dataset))]
    return unreadable


def _backend_of(config: dict, dataset: Any) -> dict | None:
    """Where images are read from: as the loader says, else as the annotations are."""
    for step in dicts_in(config.get('pipeline')):
        if str(step.get('type')).startswith('LoadImage'):
            return step.get('backend_args')
    return getattr(dataset, 'backend_args', None)


def _check_images(infos: list[dict], backend_args: dict | None) -> list[str]:
    """Look for images, and, of local ones, whether they are images."""
    local = (backend_args or {}).get('backend', 'local') == 'local'
    missing, broken = [], []
    for info in tqdm(infos, 'images', leave=False, disable=None):
        path = info.get('img_path')
        if path is None:
            continue
        try:
            there = exists(path, backend_args=backend_args)
        except NotImplementedError:  # a backend that can only read
            return []
        if not there:
            missing.append(path)
        elif local and '://' not in path and not cv2.haveImageReader(path):
            broken.append(path)
    if missing:
        missing[0] += similar(missing[0]) if local else ''
    return [
        *_examples(missing, f'of {len(infos)} images are missing. {REMEDY}'),
        *_examples(broken, f'of {len(infos)} files are no images'),
    ]


def _examples(found: list[str], what: str) -> list[str]:
    return [f'{len(found)} {what}: {", ".join(found[:SHOWN])}'] if found else []


def _explained(error: Exception) -> str:
    """An error of a dataset, with what a missing file may be misnamed as."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    path = getattr(cause, 'filename', None)
    if path is None:
        return f'{type(cause).__name__}: {cause}'
    return f'no file {path}{similar(path)}. {REMEDY}'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path)
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='overrides, key=value'
    )
    return parser.parse_args()


def main() -> int:
    """Check the data of all loaders, then the heads of the model."""
    args = parse_args()
    any_letters()
    cfg = read_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    failed, classes = False, 0
    for loader in LOADERS:
        for dataset in datasets_in(cfg.get(loader)):
            report = check(dataset)
            print_report(loader, dataset, report)
            failed |= bool(report.problems)
            classes = classes or len(report.objects)
    if classes:
        for kind, count in heads_of_other_counts(cfg.get('model'), classes):
            failed = True
            print(
                f'WRONG   model: set num_classes={classes} in {kind}. It is {count}, '
                f'and the data have {classes} classes.'
            )
    return int(failed)


def print_report(loader: str, dataset: dict, report: Report) -> None:
    """Print a line for a dataset, and what is wrong with it below."""
    state = 'WRONG' if report.problems else 'ok'
    where = dataset.get('data_root') or dataset.get('ann_file')
    print(f'{state:8}{loader}: {dataset["type"]} in {where}', end='')
    found = f', {report.images} images, {sum(report.objects.values())} objects'
    print(found if report.images else '')
    for problem in report.problems:
        print(f'        {problem}')
    if any(report.objects.values()):
        counts = (f'{name} {count}' for name, count in report.objects.items())
        print(f'        objects: {", ".join(counts)}')
        without = [name for name, n in report.objects.items() if not n]
        if without:
            print(
                f'        note: no object of {", ".join(without)}; is a name '
                'in `classes` misspelt?'
            )


if __name__ == '__main__':
    sys.exit(main())
