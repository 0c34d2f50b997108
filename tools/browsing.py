"""The training batches of a config: pictures of images, and counts of boxes."""

from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, SampleList
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import ImgDataPreprocessor
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from torch import Tensor, nn
from tqdm import tqdm

from mmdet_lossmix.hooks.runtime_info_hook import carriers
from mmdet_lossmix.mixing.shared import total_of
from mmdet_lossmix.visualization import draw_grid, draw_mixed_sample, to_rgb_images
from mmdet_lossmix.visualization.boxes import OWN, PARTNER, legend_entry
from mmdet_lossmix.visualization.mixed import LEGEND

UNMIXED = 'No image is mixed.'
ONE_SET = (
    '{} has mixed {:.0%} of the images. Each trains on one set of boxes: its own or '
    'those of the image mixed in.'
)
ONE_LEGEND = legend_entry(OWN, 'boxes that the image trains on')


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
        lam = source.lam_of_batch()
        wanted = min(-(-number // batches), number - len(drawings))
        images = to_rgb_images(
            inputs[:wanted], samples[:wanted], source.data_preprocessor
        )
        drawings += [
            partial(draw, image=image, sample=sample, alone=source.caption(lam))
            for image, sample in zip(images, samples)
        ]
        for sample in samples:
            statistics.add(sample, lam)

    statistics.one_set = source.one_set()
    out.mkdir(parents=True, exist_ok=True)
    files = []
    legend = [ONE_LEGEND, *LEGEND[2:3]] if statistics.one_set else LEGEND
    step = shape[0] * shape[1]
    pages = [drawings[i : i + step] for i in range(0, len(drawings), step)]
    for index, page in enumerate(tqdm(pages, 'pictures'), start=1):
        files.append(out / ('mixed.png' if len(pages) == 1 else f'mixed_{index}.png'))
        draw_grid(page, shape, title, legend).savefig(files[-1])
    files += [out / 'lambda.png', out / 'report.txt']
    statistics.figure(title).savefig(files[-2])
    files[-1].write_text(f'{title}\n\n{statistics.report()}\n', encoding='utf-8')
    return files


class TrainBatches:
    """Iterate over the training batches of a config, epoch after epoch, for ever.

    Data loader and data preprocessor, with its batch augments, are built as a runner
    builds them, and the iteration counts up for those that look at it.

    Args:
        cfg (:obj:`Config`): Any training config of mmdet.
        seed (int): Of loader and augments. Defaults to 0.

    Raises:
        TypeError: If the model's data preprocessor is not for batches of images.
    """

    def __init__(self, cfg: Config, seed: int = 0) -> None:
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        self.seed = seed
        # The whole model: a wrapper composes its data preprocessor from its parts.
        self.data_preprocessor = MODELS.build(cfg.model).data_preprocessor
        if not isinstance(self.data_preprocessor, ImgDataPreprocessor):
            raise TypeError(
                'Show `model.detector` of a semi-supervised config instead: '
                f'{type(self.data_preprocessor).__name__} yields several batches of '
                'images.'
            )
        self.loader = Runner.build_dataloader(cfg.train_dataloader, seed)
        self.classes = self.loader.dataset.metainfo.get('classes')
        found = carriers(self.data_preprocessor, self.loader.dataset)
        # Their samples say nothing of the mixing, but they count what they do.
        self._silent = [one for one in found if not one.strategy.keeps_both]
        self._names = ' and '.join(
            dict.fromkeys(type(one.strategy).__name__ for one in self._silent)
        )
        self._before = torch.zeros(3, dtype=torch.float64)

    def lam_of_batch(self) -> Optional[float]:
        """Lambda of the last batch, if a batch augment has left one set of boxes."""
        augments: List[Any] = [x for x in self._silent if isinstance(x, nn.Module)]
        total = total_of(one.counts for one in augments)
        images, mixed, weights = (total - self._before).tolist()
        self._before = total
        return 1 - (images - weights) / mixed if mixed else None

    def caption(self, lam: Optional[float]) -> str:
        """What stands above an image without a partner."""
        if lam is not None:
            return f'{self._names}, λ = {lam:.2f}'
        in_loader = [one for one in self._silent if not isinstance(one, nn.Module)]
        return self._names if in_loader else 'not mixed'

    def one_set(self) -> str:
        """How much was mixed by what leaves one set of boxes; '' without any."""
        images, mixed, _ = total_of(x.counts for x in self._silent).tolist()
        return ONE_SET.format(self._names, mixed / images) if images else ''

    def __iter__(self) -> Iterator[Tuple[Tensor, SampleList]]:
        """Yield (N, C, H, W) images and N samples."""
        set_random_seed(self.seed)
        hub = MessageHub.get_instance('browse_mixed')  # the current one from now on
        hub.update_info('seed', self.seed)
        for iteration, data in enumerate(chain.from_iterable(repeat(self.loader))):
            hub.update_info('iter', iteration)
            batch = self.data_preprocessor(data, training=True)
            yield batch['inputs'], batch['data_samples']


class MixStatistics:
    """Count boxes over samples, and what each strategy would train on."""

    def __init__(self) -> None:
        self._rows: List[tuple] = []  # own, partner, ignored boxes; lambda; partner?
        self._lams: List[float] = []
        self.one_set = ''

    def add(self, sample: DetDataSample, lam_of_batch: Optional[float] = None) -> None:
        """Count one more sample; lambda may be known though it has no partner."""
        both = [sample, sample.partner] if 'partner' in sample else [sample]
        own, partner = (*[len(s.gt_instances) for s in both], 0)[:2]
        ignored = sum(len(s.get('ignored_instances', ())) for s in both)
        lam = sample.get('mix_lambda', 1.0)
        self._rows.append((own, partner, ignored, lam, len(both) == 2))
        known = lam if len(both) == 2 else lam_of_batch
        self._lams += [] if known is None else [known]

    def report(self) -> str:
        """All figures as a short text."""
        own, partner, ignored, lam, mixed = self._columns()
        share = mixed.mean() if len(mixed) else 0
        figures: Dict[str, Any] = {
            'images': len(own),
            'with two box sets': f'{mixed.sum()} ({share:.0%})',
            'boxes per image': describe(own),
            'boxes mixed in': describe(partner[mixed]),
            'ignored boxes': f'{ignored.sum():.0f}',
            'lambda': describe(np.array(self._lams)),
        }
        if mixed.any():
            both = describe(own + partner)
            weights = describe(lam * own + (1 - lam) * partner)
            dominant = describe(np.where(lam >= 0.5, own, partner))
            figures['boxes per image that each strategy keeps'] = ''
            figures['  LossMix'] = f'{both}; sum of weights: {weights}'
            figures['  Union'] = f'{both}; of weight 1'
            figures['  Noise'] = f'{dominant}; of weight 1'
        else:
            figures.pop('with two box sets')
            figures.pop('boxes mixed in')
            figures[self.one_set or UNMIXED] = ''
        return '\n'.join(f'{name:22}{x}'.rstrip() for name, x in figures.items())

    def figure(self, title: str) -> Figure:
        """The histograms of lambda and of the number of boxes."""
        own, partner, _, _, mixed = self._columns()
        figure = Figure(figsize=(9, 3.4), dpi=150, layout='constrained')
        FigureCanvasAgg(figure)
        figure.suptitle(title, x=0.01, ha='left', fontsize=11)
        left, right = figure.subplots(1, 2)
        left.hist(self._lams, bins=20, range=(0, 1), color=OWN, edgecolor='white')
        if not self._lams:
            left.text(0.5, 0.5, 'λ is not known', ha='center', transform=left.transAxes)
        left.set(xlabel="λ, weight of the image's own boxes", ylabel='images')
        highest = int(max([*own, *partner, 1]))
        edges = np.arange(0, highest + 2, 1 + highest // 40) - 0.5
        names = ['own', 'of the image mixed in']
        right.hist([own, partner[mixed]], edges, color=[OWN, PARTNER], label=names)
        right.set(xlabel='boxes', ylabel='images')
        right.legend(frameon=False)
        for ax in (left, right):
            ax.spines[['top', 'right']].set_visible(False)
        return figure

    def _columns(self) -> Sequence[np.ndarray]:
        *numbers, mixed = np.array(self._rows, float).reshape(-1, 5).T
        return (*numbers, mixed.astype(bool))


def describe(values: np.ndarray) -> str:
    """Mean and range of numbers."""
    if not len(values):
        return '-'
    return f'mean {values.mean():.2f}, from {values.min():.3g} to {values.max():.3g}'
