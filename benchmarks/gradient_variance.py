r"""How noisy is the gradient of sampled LossMix beside that of LossMix?

At fixed weights and on fixed batches, lambda is drawn again and again. Both strategies
get the same lambdas, so that their difference is what the draw of annotations adds:

    python -m benchmarks.gradient_variance configs/studies/fcos_photos.py \
        --checkpoint work_dirs/studies/runs/fcos_photos-*/train/iter_2000.pth

The gradient is that of all trainable parameters together. A variance is the mean
squared distance to the mean, summed over parameters, in units of the variance over
batches without mixing, which is the noise that a training has anyway.
"""

from __future__ import annotations

import argparse
from copy import deepcopy
from typing import Iterator

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint, set_random_seed
from tabulate import tabulate
from torch import Tensor
from tqdm import tqdm

AUGMENTS = {'LossMix': 'BatchLossMix', 'sampled LossMix': 'BatchSampledLossMix'}
PLAIN, (EXACT, SAMPLED) = 'no mixing', AUGMENTS


class Moments:
    """Mean and variance of vectors that come one by one."""

    def __init__(self) -> None:
        self.count = 0
        self.total = torch.zeros((), dtype=torch.float64)
        self.squares = 0.0

    def add(self, vector: Tensor) -> None:
        """Take in a vector."""
        self.count += 1
        self.total = self.total + vector.double()
        self.squares += float(vector.double().square().sum())

    @property
    def mean(self) -> Tensor:
        """Of the vectors."""
        return self.total / self.count

    @property
    def variance(self) -> float:
        """Of a sample (n - 1), summed over components."""
        mean = float(self.mean.square().sum())
        return (self.squares - self.count * mean) / max(self.count - 1, 1)


def models_of(cfg: Config, checkpoint: str | None) -> dict[str, BaseDetector]:
    """The same detector with each way to mix, of the config of a plain one."""
    found = {}
    for name, augment in {PLAIN: None, **AUGMENTS}.items():
        model = deepcopy(cfg.model)
        if augment:
            model.data_preprocessor.batch_augments = [dict(type=augment)]
        if name == EXACT:
            model.update(type='LossMixDetector', detector=model.type)
        set_random_seed(0)
        found[name] = MODELS.build(model)
        if checkpoint:
            load_checkpoint(found[name], checkpoint, map_location='cpu')
        else:
            found[name].init_weights()
        found[name].train()
    return found


def gradient(model: BaseDetector, data: dict, iteration: int) -> Tensor:
    """The gradient of all trainable parameters, in a row."""
    # Lambda, and what a strategy draws, depend on the seed and the iteration alone.
    MessageHub.get_current_instance().update_info('iter', iteration)
    model.zero_grad()
    inputs = model.data_preprocessor(deepcopy(data), training=True)
    loss, _ = model.parse_losses(model(**inputs, mode='loss'))
    loss.backward()
    return torch.cat(
        [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    )


def measure(
    models: dict[str, BaseDetector], batches: Iterator[dict], count: int, draws: int
) -> list[dict]:
    """A row for each way to mix, and one for what sampling adds."""
    of_batches = {name: Moments() for name in models}
    within = dict.fromkeys(models, 0.0)
    noise, bias = 0.0, Moments()
    for b, data in zip(range(count), tqdm(batches, total=count, unit='batch')):
        of_batches[PLAIN].add(gradient(models[PLAIN], data, 0))
        of_draws = {name: Moments() for name in AUGMENTS}
        for iteration in range(b * draws, (b + 1) * draws):
            found = {n: gradient(models[n], data, iteration) for n in AUGMENTS}
            for name, vector in found.items():
                of_draws[name].add(vector)
            difference = found[SAMPLED] - found[EXACT]
            noise += float(difference.double().square().sum()) / (count * draws)
            bias.add(difference)
        for name, moments in of_draws.items():
            within[name] += moments.variance / count
            of_batches[name].add(moments.mean)
    unit = of_batches[PLAIN].variance
    rows = [
        {
            'gradient of': name,
            'variance over draws': within[name] / unit,
            # The mean over draws has their variance / draws already.
            'over batches and draws': (
                moments.variance + within[name] * (1 - 1 / draws)
            )
            / unit,
            'squared length of the mean': squared_mean(moments) / unit,
        }
        for name, moments in of_batches.items()
    ]
    rows.append(
        {
            'gradient of': f'{SAMPLED} - {EXACT}',
            'variance over draws': noise / unit,
            'over batches and draws': noise / unit,
            'squared length of the mean': squared_mean(bias) / unit,
        }
    )
    return rows


def squared_mean(moments: Moments) -> float:
    """The squared length of the true mean, without what is there by noise alone."""
    return float(moments.mean.square().sum()) - moments.variance / moments.count


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='of a plain detector with training data')
    parser.add_argument('--checkpoint', help='default: weights as at the start')
    parser.add_argument('--batches', type=int, default=8)
    parser.add_argument('--draws', type=int, default=16, help='of lambda, for a batch')
    args = parser.parse_args()
    init_default_scope('mmdet')
    cfg = Config.fromfile(args.config)
    models = models_of(cfg, args.checkpoint)
    set_random_seed(0)
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    rows = measure(models, iter(loader), args.batches, args.draws)
    print(tabulate(rows, headers='keys', tablefmt='github', floatfmt='.2f'))


if __name__ == '__main__':
    main()
