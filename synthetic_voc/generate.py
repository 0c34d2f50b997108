"""Draw a whole dataset, laid out as the VOCdevkit folder that mmdet's configs read."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Sequence

import cv2
from tqdm import tqdm

from .classes import CLASS_NAMES
from .coco_writer import coco_entry, write_coco
from .domains import DOMAINS
from .scene import draw_scene
from .voc_writer import make_folders, write_image_set, write_scene

_YEARS = ('VOC2007', 'VOC2012')
# Says of what a tree was made; also tells our trees from the real VOC.
_MARK = 'synthetic_voc.json'
LOOK = 2  # goes up whenever the same arguments draw other pictures


@dataclass(frozen=True)
class _Job:
    """One image to draw; ``stream`` and ``index`` choose its random numbers."""

    year: str
    image_id: str
    stream: int
    index: int


def _plan(train: int, test: int) -> list[_Job]:
    """Half of the training images in each year, the test images in VOC2007.

    The ids of the test images start at 500001, and every list has random numbers of
    its own: another number of training images leaves the test images as they are.
    """
    older = (train + 1) // 2
    streams = (
        ('VOC2007', '{:06d}', older),
        ('VOC2012', '2008_{:06d}', train - older),
        ('VOC2007', '5{:05d}', test),
    )
    return [
        _Job(year, pattern.format(index + 1), stream, index)
        for stream, (year, pattern, count) in enumerate(streams)
        for index in range(count)
    ]


def _draw(
    job: _Job,
    devkit: Path,
    seed: int,
    domain: str,
    size: int,
    classes: Sequence[str],
) -> dict:
    # Each class in turn is the star of an image, so that none is missing from a list.
    star = classes[job.index % len(classes)]
    scene = draw_scene((seed, job.stream, job.index), domain, size, star, classes)
    write_scene(scene, devkit, job.year, job.image_id)
    return coco_entry(scene, f'{job.year}/JPEGImages/{job.image_id}.jpg')


def _write_image_sets(devkit: Path, jobs: list[_Job]) -> None:
    for stream, year in enumerate(_YEARS):
        ids = [job.image_id for job in jobs if job.stream == stream]
        middle = (len(ids) + 1) // 2
        write_image_set(devkit, year, 'trainval', ids)
        write_image_set(devkit, year, 'train', ids[:middle])
        write_image_set(devkit, year, 'val', ids[middle:])
    ids = [job.image_id for job in jobs if job.stream == len(_YEARS)]
    write_image_set(devkit, 'VOC2007', 'test', ids)


def _check_arguments(
    train: int,
    test: int,
    size: int,
    seed: int,
    domain: str,
    workers: int,
    classes: Sequence[str],
) -> None:
    numbers = (
        ('train', train, 0, 99999), ('test', test, 0, 99999), ('size', size, 64, 4096),
        ('seed', seed, 0, 2**63), ('workers', workers, 1, 1024),
    )  # fmt: skip
    for name, value, low, high in numbers:
        if not low <= value <= high:
            raise ValueError(f'Choose a {name} from {low} to {high}, not {value}.')
    if train + test == 0:
        raise ValueError('Ask for some images to draw: train and test are 0.')
    if domain not in DOMAINS:
        raise ValueError(
            f'Choose a domain of {", ".join(sorted(DOMAINS))}, not {domain!r}.'
        )
    unknown = sorted(set(classes) - set(CLASS_NAMES))
    if unknown or not classes:
        raise ValueError(
            f'Choose classes of {", ".join(CLASS_NAMES)}, not '
            f'{", ".join(unknown) or "none"}.'
        )


def _check_target(target: Path, force: bool) -> None:
    """Refuse to replace anything, unless told to and the thing is one of ours."""
    if target.is_dir() and not any(target.iterdir()):
        return
    if not target.exists() and not target.is_symlink():
        return
    if not force:
        raise FileExistsError(
            f'Choose another folder, or replace the dataset at {target} by --force '
            '(force=True), which takes those that this generator has drawn.'
        )
    if not (target / _MARK).is_file():
        raise FileExistsError(
            f'Choose another folder, or move {target} away: it has no {_MARK}, so it '
            'was not drawn by this generator, and may be the real VOC.'
        )


def generate_voc(
    root: str | Path,
    train: int = 1000,
    test: int = 500,
    size: int = 320,
    seed: int = 0,
    domain: str = 'photo',
    workers: int = 1,
    classes: Sequence[str] = CLASS_NAMES,
    masks: bool = False,
    force: bool = False,
    progress: bool = True,
) -> Path:
    """Draw a dataset into ``root/VOCdevkit``.

    A dataset that the same arguments have drawn is left as it is. The same arguments
    give the same files, whatever the number of workers; with other versions of NumPy or
    OpenCV some pixels can differ. The same seed in another domain gives other pictures
    with the same annotations.

    Args:
        root: The folder that gets the VOCdevkit folder.
        train: The number of training images, half of them in VOC2007 and half in
            VOC2012. A list of at least as many images as classes has every class.
        test: The number of test images, in VOC2007.
        size: The longest side of each image.
        seed: Any number from 0.
        domain: ``photo`` or ``clipart``.
        workers: The number of processes that draw.
        classes: What is drawn; of VOC's. Fewer are learnt sooner.
        masks: Whether to write ``trainval.json`` and ``test.json``, too: the same
            objects in COCO's format, with masks.
        force: Whether to replace a dataset that an earlier call has drawn.
        progress: Whether to show a progress bar.

    Returns:
        The VOCdevkit folder. It appears when it is complete, and not before.
    """
    _check_arguments(train, test, size, seed, domain, workers, classes)
    target = Path(root) / 'VOCdevkit'
    settings = {
        'train': train, 'test': test, 'size': size, 'seed': seed, 'domain': domain,
        'classes': list(classes), 'look': LOOK, **({'masks': True} if masks else {}),
    }  # fmt: skip
    mark = target / _MARK
    if not force and mark.is_file() and json.loads(mark.read_bytes()) == settings:
        return target
    _check_target(target, force)
    target.parent.mkdir(parents=True, exist_ok=True)
    jobs = _plan(train, test)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix='.drawing-') as folder:
        devkit = Path(folder) / 'VOCdevkit'
        make_folders(devkit, _YEARS)
        draw = partial(
            _draw,
            devkit=devkit,
            seed=seed,
            domain=domain,
            size=size,
            classes=classes,
        )
        entries = _run(draw, jobs, workers, progress)
        _write_image_sets(devkit, jobs)
        if masks:
            write_coco(devkit / 'trainval.json', entries[:train], classes)
            write_coco(devkit / 'test.json', entries[train:], classes)
        (devkit / _MARK).write_bytes((json.dumps(settings, indent=2) + '\n').encode())
        if target.exists():
            target.rename(Path(folder) / 'replaced')
        devkit.rename(target)
    return target


def _run(draw: partial, jobs: list[_Job], workers: int, progress: bool) -> list[dict]:
    bar = partial(tqdm, total=len(jobs), unit='image', disable=not progress)
    if workers == 1:
        return list(bar(map(draw, jobs)))
    # One thread each: the images are small, and the processes share the cores.
    with multiprocessing.Pool(workers, cv2.setNumThreads, (0,)) as pool:
        entries = list(bar(pool.imap(draw, jobs, chunksize=4)))
        pool.close()  # leaving would terminate workers, which may cry out
        pool.join()
    return entries
