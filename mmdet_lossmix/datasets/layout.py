"""What of a dataset is missing or misnamed on the disk, before it is built."""

import os.path as osp
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Iterator, List, Tuple

from mmengine.fileio import load

from mmdet_lossmix.uda.data.foggy_cityscapes import DEFAULT_BETAS, foggy_name
from mmdet_lossmix.uda.data.unlabelled import images_like

from .walk import dicts_in

# Datasets whose `ann_file` lists names of images, and where these lie by default.
LISTS = {'VOCDataset', 'XMLDataset', 'UnlabelledDataset'}
# Whose annotations are small enough to be read for the names of the images.
JSONS = {'CityscapesDataset', 'FoggyCityscapesDataset'}
SHOWN = 3


def datasets_in(node: Any) -> Iterator[dict]:
    """Every dataset with a ``data_root`` on this machine, however deep they nest."""
    for config in dicts_in(node):
        root = config.get('data_root')
        if isinstance(root, str) and root and '://' not in root:
            yield config


def check_layout(dataset: dict) -> Tuple[int, List[str]]:
    """Look for the files of a dataset.

    Args:
        dataset (dict): Its config.

    Returns:
        tuple[int, list[str]]: How many images its list names or its folder holds (0 if
        neither is looked at), and what is wrong, a line each.
    """
    root = Path(dataset['data_root'])
    if not root.is_dir():
        return 0, [not_there(root, 'folder')]
    problems = [
        not_there(root / folder, 'folder')
        for folder in dataset.get('data_prefix', {}).values()
        if folder and not (root / folder).is_dir()
    ]
    ann_file = dataset.get('ann_file')
    if ann_file and not (root / ann_file).is_file():
        problems.append(not_there(root / ann_file, 'file'))
    kind = dataset.get('type')
    if not problems and kind == 'UnlabelledDataset' and not ann_file:
        return _check_images(dataset)
    if problems or not ann_file or kind not in (*LISTS, *JSONS):
        return 0, problems
    names = list(_names_in(root / ann_file, dataset))
    if not names:
        problems.append(f'{root / ann_file} is empty')
    for folder, suffix in _files_of(dataset, root):
        missing = [n for n in names if not (folder / f'{n}{suffix}').is_file()]
        if missing and not folder.is_dir():
            problems.append(not_there(folder, 'folder'))
        elif missing:
            shown = ', '.join(f'{name}{suffix}' for name in missing[:SHOWN])
            problems.append(
                f'{len(missing)} of {len(names)} files that {root / ann_file} lists '
                f'are not in {folder}, such as {shown}'
            )
    return len(names), problems


def _check_images(dataset: dict) -> Tuple[int, List[str]]:
    """Look for images that no list names."""
    folder = Path(dataset['data_root']) / dataset.get('data_prefix', {}).get('img', '')
    pattern = dataset.get('pattern', '*')
    patterns = [pattern] if isinstance(pattern, str) else pattern
    found = {pattern: len(images_like(pattern, folder)) for pattern in patterns}
    problems = [f'no image {p} in {folder}' for p, count in found.items() if not count]
    return sum(found.values()), problems


def _names_in(ann_file: Path, dataset: dict) -> Iterator[str]:
    """The names of images in a list, or in the annotations of Cityscapes."""
    if dataset['type'] in LISTS:
        lines = ann_file.read_text().splitlines()
        yield from (line.split()[0] for line in lines if line.strip())
        return
    for image in load(ann_file)['images']:
        if dataset['type'] == 'CityscapesDataset':
            yield image['file_name']
        else:
            for beta in dataset.get('betas', DEFAULT_BETAS):
                yield foggy_name(image['file_name'], beta)


def _files_of(dataset: dict, root: Path) -> Iterator[Tuple[Path, str]]:
    """Folders and suffixes of the files that belong to each name."""
    prefix = dataset.get('data_prefix', {})
    if dataset['type'] in JSONS:
        yield root / prefix.get('img', ''), ''
        return
    if dataset['type'] == 'UnlabelledDataset':
        yield root / prefix.get('img', ''), dataset.get('suffix', '.jpg')
        return
    folder = root / prefix.get('sub_data_root', '')
    yield folder / dataset.get('img_subdir', 'JPEGImages'), '.jpg'
    yield folder / dataset.get('ann_subdir', 'Annotations'), '.xml'


def not_there(path: Path, kind: str) -> str:
    """Say that a file or folder is missing, and what it may be misnamed as."""
    present = path.parent
    while not present.is_dir():
        path, present = present, present.parent
    names = [child.name for child in present.iterdir()]
    same = [name for name in names if name.lower() == path.name.lower()]
    close = same or get_close_matches(path.name, names, n=1)
    hint = f'; is it {osp.join(present, close[0])}?' if close else ''
    return f'no {kind} {path}{hint}'
