"""Thresholds by count: as many pseudo labels of each class as images should have."""

from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

MEMORY = 500  # images, so many that rare classes count; a few passes of a small target
BINS, LARGEST = 400, 10.0  # scores are told apart by their logits, up to 10


class ClassThresholds(nn.Module):
    """The least score of each class that leaves as many boxes as are wanted.

    A running quantile of the scores that a teacher gave on the last images, some 500,
    of which older ones count less. All processes have the same one, and so has a run
    that is resumed, as it is in checkpoints.

    Attributes:
        wanted (Tensor): Boxes of each of K classes in an image, shape (K,).
        counts (Tensor): Weights of the boxes seen, by class and score, (K, BINS).
        images (Tensor): Weight of the images they were seen on, a scalar.
    """

    counts: Tensor
    images: Tensor

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
        """Begin anew, as with a new teacher."""
        self.counts = self.counts.new_zeros(num_classes, BINS)
        self.images = torch.zeros_like(self.images)

    def see(self, scores: Tensor, labels: Tensor, images: int) -> None:
        """Take boxes into account, with scores and labels of shape (n,), of images."""
        at = torch.bucketize(scores, self._edges(), right=True) - 1
        size = self.counts.shape
        seen = torch.bincount(labels * BINS + at, minlength=size.numel()).view(size)
        news = torch.cat([seen.flatten(), seen.new_tensor([images])]).to(self.counts)
        all_reduce(news)
        kept = (1 - 1 / MEMORY) ** news[-1]
        self.counts = self.counts * kept + news[:-1].view(size)
        self.images = self.images * kept + news[-1]

    def forward(self) -> Tensor:
        """The thresholds, shape (K,), infinite for a class that is to have no box.

        They leave the number that is nearest to the wanted one.
        """
        none = self.counts.new_zeros(len(self.counts), 1)
        left = torch.cat([none, self.counts.flip(1).cumsum(1)], 1)  # highest first
        wanted = self.wanted.to(self.counts) * self.images
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
