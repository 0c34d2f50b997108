"""Look through the training batches of a config and keep pictures and figures."""

from functools import partial
from itertools import islice
from pathlib import Path
from typing import List, Tuple

from mmengine.config import Config
from tqdm import tqdm

from .grid import draw_grid
from .image import to_rgb_images
from .mix_statistics import MixStatistics
from .mixed import LEGEND, draw_mixed_sample
from .train_batches import TrainBatches


def browse_mixed(
    cfg: Config,
    out: Path,
    number: int = 12,
    shape: Tuple[int, int] = (3, 4),
    batches: int = 50,
    seed: int = 0,
    title: str = 'Training images',
) -> List[Path]:
    """Draw images as the model gets them, and count over more of them.

    The images come from as many batches as possible: with one lambda per batch, a
    single batch would show a single one.

    Args:
        cfg (:obj:`Config`): Any training config of mmdet.
        out (Path): The folder for the files; is made if need be.
        number (int): Images to draw. Defaults to 12.
        shape (tuple[int, int]): Rows and columns of a picture. Defaults to (3, 4).
        batches (int): Batches to count over. Defaults to 50.
        seed (int): Of the data loader and of the batch augments. Defaults to 0.
        title (str): Stands above the pictures. Defaults to 'Training images'.

    Returns:
        list[Path]: The files: the pictures, then ``lambda.png`` and ``report.txt``.
    """
    source = TrainBatches(cfg, seed)
    statistics = MixStatistics()
    drawings: List[partial] = []
    draw = partial(draw_mixed_sample, classes=source.classes)
    for inputs, samples in tqdm(islice(source, batches), 'batches', batches):
        wanted = min(-(-number // batches), number - len(drawings))
        images = to_rgb_images(
            inputs[:wanted], samples[:wanted], source.data_preprocessor
        )
        drawings += [
            partial(draw, image=image, sample=sample)
            for image, sample in zip(images, samples)
        ]
        for sample in samples:
            statistics.add(sample)

    out.mkdir(parents=True, exist_ok=True)
    files = []
    step = shape[0] * shape[1]
    pages = [drawings[i : i + step] for i in range(0, len(drawings), step)]
    for index, page in enumerate(tqdm(pages, 'pictures'), start=1):
        files.append(out / ('mixed.png' if len(pages) == 1 else f'mixed_{index}.png'))
        draw_grid(page, shape, title, LEGEND).savefig(files[-1])
    files += [out / 'lambda.png', out / 'report.txt']
    statistics.figure(title).savefig(files[-2])
    files[-1].write_text(f'{title}\n\n{statistics.report()}\n', encoding='utf-8')
    return files
