"""One architecture of mmdet under LossMix: is it exact, and what runs twice?"""

import copy
import math
import random
import time
import traceback
from collections import Counter
from contextlib import ExitStack, nullcontext
from itertools import product
from statistics import median
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import numpy as np
import torch
from mmdet.models.detectors.base import BaseDetector
from mmengine.logging import MessageHub
from torch import nn

from mmdet_lossmix.models.one_forward.replay import override
from tests.helpers.batches import mixed_batch
from tests.helpers.oracle import (
    Losses,
    batch_losses,
    flat,
    gradients,
    image_losses,
    relative_difference,
    target,
)
from tests.helpers.precision import double_precision
from tests.helpers.thin_detectors import build_plain, wrap

from .architectures import ARCHITECTURES, Architecture

LAMBDAS = {'batch': (0.3, 0.3), 'image': (0.3, 0.8)}
# Of the largest value. Some losses are computed in float32 whatever the dtype.
TOLERANCE = {'float64': 1e-6, 'float32': 1e-3}
TIMED_STEPS = 3

EXACT = 'works exactly'
INEXACT = 'works with a limit'
UNTRAINABLE = 'cannot train here, even plain'
REFUSED = 'not supported'
UNFINISHED = 'did not finish'  # in time, or at all


class Finding(NamedTuple):
    """What came out for one architecture.

    Attributes:
        verdict (str): One of the five above.
        reason (str): Why, if there is something to say.
        precision (str): The dtype of the comparison.
        losses (list[float]): Largest relative difference, for either weighting.
        gradients (list[float]): The same of the gradients of parameters.
        again (dict[str, float]): Stages that compute more often than in a plain pass,
            and how often.
        time_ratio (float): Of a LossMix step to a plain one.
    """

    verdict: str
    reason: str = ''
    precision: str = ''
    losses: Tuple[float, ...] = ()
    gradients: Tuple[float, ...] = ()
    again: Dict[str, float] = {}  # noqa: RUF012
    time_ratio: float = 0.0


def survey(name: str) -> Finding:
    """Compare one of :data:`ARCHITECTURES`, thin and in float64 if it can be."""
    for key in ('epoch', 'iter'):  # TOOD and BoxInst ask for them
        MessageHub.get_current_instance().update_info(key, 0)
    for thin, precision in product((True, False), TOLERANCE):
        double = precision == 'float64'
        with double_precision() if double else nullcontext():
            try:
                subject = Subject(ARCHITECTURES[name], thin)
                subject.plain_step()
            except Exception as error:
                problem = _first_line(error)
            else:
                return examine(subject, precision)
    return Finding(UNTRAINABLE, problem)


class Subject:
    """An architecture built once, and copied for every use: some keep what they saw."""

    def __init__(self, architecture: Architecture, thin: bool) -> None:
        self.architecture = architecture
        self.config = architecture.model_cfg(thin)
        self._plain = build_plain(copy.deepcopy(self.config))

    def plain(self) -> BaseDetector:
        """A copy of the plain detector."""
        return copy.deepcopy(self._plain)

    def wrapped(self, weighting: str) -> BaseDetector:
        """The detector in the wrapper."""
        config = copy.deepcopy(self.config)
        return wrap(self._plain, config, weighting=weighting, roi_sampling='per_target')

    def batch(self, weighting: str) -> Tuple[torch.Tensor, list]:
        """Two mixed images of different sizes."""
        size, narrower = self.architecture.size, self.architecture.narrower
        return mixed_batch(
            self._plain,
            LAMBDAS[weighting],
            masks=self.architecture.masks,
            stuff=self.architecture.stuff,
            shapes=[(size, size), (size, size - narrower)],
            num_proposals=self.architecture.num_proposals,
        )

    def plain_step(self) -> None:
        """A step of the plain detector on the own targets."""
        plain = self.plain()
        inputs, samples = self.batch('batch')
        losses = plain.loss(inputs, [target(s, 'own') for s in samples])
        gradients(plain, flat(losses))


def examine(subject: Subject, precision: str) -> Finding:
    """Compare both weightings with the oracle, count, and time."""
    tolerance = TOLERANCE[precision]
    differences, reasons, failures = [], set(), []
    for weighting in LAMBDAS:
        try:
            difference, redraw = compare(subject, weighting, tolerance)
        except Exception as error:
            difference, redraw = (math.nan, math.nan), True
            failures.append(f'not {weighting!r}, {_first_line(error)}')
        differences.append(difference)
        if not redraw:
            reasons.add('both targets see the same dropout')
    if len(failures) == len(LAMBDAS):
        return Finding(REFUSED, '; '.join(failures), precision)
    exact = all(max(pair) < tolerance for pair in differences)  # not if NaN
    losses, of_parameters = zip(*differences)
    return Finding(
        EXACT if exact else INEXACT,
        '; '.join([*reasons, *failures]),
        precision,
        losses,
        of_parameters,
        computed_again(subject),
        time_ratio(subject),
    )


def compare(
    subject: Subject, weighting: str, tolerance: float
) -> Tuple[Tuple[float, float], bool]:
    """Compare losses and gradients with two complete passes of the plain detector.

    Returns:
        tuple: The largest relative differences of losses and gradients, and whether the
        second pass of the oracle drew random numbers of its own. If a forward draws
        any, they are shared as the forward is, and the oracle has to repeat them.
    """
    inputs, samples = subject.batch(weighting)
    wrapped = subject.wrapped(weighting)
    actual = flat(_seeded(wrapped.loss, inputs, samples))
    actual_gradients = gradients(wrapped, actual)
    found = []
    for redraw in (True, False):
        plain = subject.plain()
        expected = _seeded(oracle, plain, weighting, inputs, samples, redraw)
        difference = (
            relative_difference(expected, actual),
            relative_difference(gradients(plain, expected), actual_gradients),
        )
        found.append((difference, redraw))
        if max(difference) < tolerance:
            break
    return min(found, key=lambda x: max(x[0]))


def oracle(
    plain: BaseDetector, weighting: str, inputs: Any, samples: list, redraw: bool
) -> Losses:
    """The losses of two complete passes."""
    if weighting == 'batch':
        return batch_losses(plain, inputs, samples, LAMBDAS['batch'][0], redraw)
    return image_losses(plain, inputs, samples, redraw)


def computed_again(subject: Subject) -> Dict[str, float]:
    """Stages that compute more often than in a plain pass, and how often."""
    inputs, samples = subject.batch('batch')
    own = [target(s, 'own') for s in samples]
    plain, wrapped = subject.plain(), subject.wrapped('batch')
    once = count_computations(plain, lambda: plain.loss(inputs, own))
    counts = count_computations(wrapped.detector, lambda: wrapped.loss(inputs, samples))
    ratios = {stage: counts[stage] / n for stage, n in once.items()}
    return {stage: ratio for stage, ratio in ratios.items() if ratio > 1}


def count_computations(detector: BaseDetector, step: Callable) -> Counter:
    """How often layers with weights really compute during a step, by stage."""
    counts: Counter = Counter()

    def counted(stage: str, layer: nn.Module) -> Callable:
        forward = layer.forward

        def count(*args: Any, **kwargs: Any) -> Any:
            counts[stage] += 1
            return forward(*args, **kwargs)

        return count

    with ExitStack() as overrides:
        for name, layer in detector.named_modules():
            if list(layer.parameters(recurse=False)):
                stage = name.replace('roi_head.', '').split('.')[0]
                overrides.enter_context(
                    override(layer, 'forward', counted(stage, layer))
                )
        step()
    return counts


def time_ratio(subject: Subject) -> float:
    """How long a LossMix step takes, in plain steps."""
    inputs, samples = subject.batch('batch')
    own = [target(s, 'own') for s in samples]
    plain, wrapped = subject.plain(), subject.wrapped('batch')
    times: Dict[str, List[float]] = {'plain': [], 'wrapped': []}
    for _ in range(TIMED_STEPS):
        for key, model, data in (('plain', plain, own), ('wrapped', wrapped, samples)):
            begin = time.perf_counter()
            gradients(model, flat(model.loss(inputs, copy.deepcopy(data))))
            times[key].append(time.perf_counter() - begin)
    return median(times['wrapped']) / median(times['plain'])


def _seeded(function: Callable, *args: Any) -> Any:
    random.seed(7)
    np.random.seed(7)
    torch.manual_seed(7)
    return function(*args)


def _first_line(error: Exception) -> str:
    """What an error says, or else the line of code that raised it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f'{type(error).__name__}: {lines[0] if lines else frame.line}'
