"""Thresholds by count: as many pseudo labels of each class as images should have."""

from typing import Any

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor, nn

MEMORY = 500  # images, so many that rare classes count
BINS, LARGEST = 400, 10.0  # scores are told apart by their logits, up to 10


class ClassThresholds(nn.Module):
    """The least score of each class that leaves as many boxes as are wanted.

    A running quantile of the scores on the last images, some 500, of which older ones
    count less. It is the same in all processes, and in checkpoints.
    """

    counts: Tensor  # weights of the boxes seen, by class and score, (K, BINS)
    images: Tensor  # weight of the images that they were seen on, a scalar

    def __init__(self) -> None:
        super().__init__()
        self.wanted = torch.zeros(0)
        self.register_buffer('counts', torch.zeros(0, BINS))
        self.register_buffer('images', torch.zeros(()))

    def want(self, wanted: Tensor) -> None:
        """Aim at so many boxes of each class in an image, shape (K,)."""
        self.wanted = wanted
        if len(self.counts) != len(wanted):
            self.forget(len(wanted))

    def forget(self, num_classes: int) -> None:
        """Begin anew."""
        self.counts = self.counts.new_zeros(num_classes, BINS)
        self.images = self.counts.new_zeros(())

    def see(self, scores: Tensor, labels: Tensor, images: int) -> None:
        """Take boxes into account, with scores and labels of shape (n,), of images."""
        at = torch.bucketize(scores, self._edges(), right=True) - 1
        size = self.counts.shape
        seen = torch.bincount(labels * BINS + at, minlength=size.numel()).view(size)
        news = torch.cat([seen.flatten(), seen.new_tensor([images])]).to(self.counts)
        all_reduce(news)
        kept = (1 - 1 / MEMORY) ** news[-1]
        self.counts.mul_(kept).add_(news[:-1].view(size))
        self.images.mul_(kept).add_(news[-1])

    def forward(self) -> Tensor:
        """The thresholds, shape (K,), infinite for a class that is to have no box.

        They leave the number that is nearest to the wanted one.
        """
        counts = self.counts.cpu()  # where sums are the same on all ranks
        left = F.pad(counts.flip(1).cumsum(1), (1, 0))  # from the highest score on
        wanted = self.wanted * self.images.cpu()
        return self._edges()[BINS - (left - wanted[:, None]).abs().argmin(1)]

    def _edges(self) -> Tensor:
        logits = torch.linspace(-LARGEST, LARGEST, BINS + 1, device=self.counts.device)
        edges = logits.to(self.counts).sigmoid()
        edges[0], edges[-1] = 0, torch.inf
        return edges

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        """Take any number of classes; without any, as after a burn-in, begin anew."""
        saved = state_dict.get(f'{prefix}counts')
        self.forget(len(self.counts) if saved is None else len(saved))
        if saved is not None:
            super()._load_from_state_dict(state_dict, prefix, *args)
