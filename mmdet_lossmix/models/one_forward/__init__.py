"""Losses of one prediction against several sets of annotations.

What happens to the two terms of equation (2) in Faster R-CNN, in four lines::

    with SharedForward(detector, batch_inputs) as shared:  # backbone and neck: once
        shared.loss([
            LossTerm(own, 0.7),      # RPN head, proposals: once; assigns, samples RoIs
            LossTerm(partner, 0.3),  # replays the first; assigns, samples RoIs
        ])                           # 0.7 * losses + 0.3 * losses, key by key

:mod:`.terms` says what a term is, :mod:`.shared_forward` opens the context,
:mod:`.replay` remembers the calls of a stage, :mod:`.anchors` what depends on sizes
alone, :mod:`.image_slices` hands out single images of a batch, :mod:`.deferred`
evaluates the losses of all terms together, and :mod:`.roi_sampling`, if asked, lets
both terms look at the same RoIs.
"""

from .shared_forward import SharedForward, check_roi_sampling, untraced
from .terms import LossTerm

__all__ = ['LossTerm', 'SharedForward', 'check_roi_sampling', 'untraced']
