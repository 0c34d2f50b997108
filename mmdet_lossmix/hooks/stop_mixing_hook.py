"""Turns all mixing off for the end of the training."""

from typing import Any, List, Optional

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.datasets.transforms.switch import find_switches


@HOOKS.register_module()
class StopMixingHook(Hook):
    """Train unmixed for the last epochs or iterations, whatever does the mixing.

    Mixing transforms are found in any nest of dataset wrappers and pipelines, and
    turned off inside their worker processes, persistent ones too; no worker is
    restarted and no sample comes in another order. In the model, every module with a
    boolean attribute ``mixing`` has it set to False (batch augments,
    :class:`LossMixDetector`).

    The state follows from the runner's epoch or iteration alone: a resumed run that is
    past the switch is unmixed from its first batch.

    With ``num_last_epochs`` the switch is exact. With ``num_last_iters`` the last ones
    are all unmixed; as workers load ahead, up to ``num_workers * prefetch_factor``
    batches before them may be unmixed as well if the pipeline mixes.

    Args:
        num_last_epochs (int, optional): How many epochs at the end train unmixed, for
            an epoch-based loop. Defaults to None.
        num_last_iters (int, optional): How many iterations, for either loop. Give
            exactly one of the two. Defaults to None.

    Raises:
        TypeError: If the number is no number.
        ValueError: If none or both are given, or it is not whole, or below 1.
    """

    priority = 'LOW'  # after hooks that exchange the pipeline

    def __init__(
        self,
        num_last_epochs: Optional[int] = None,
        num_last_iters: Optional[int] = None,
    ) -> None:
        given = dict(num_last_epochs=num_last_epochs, num_last_iters=num_last_iters)
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise ValueError(
                'Set one of `num_last_epochs` and `num_last_iters` of StopMixingHook, '
                f'not {num_last_epochs} and {num_last_iters}.'
            )
        ((name, self.number),) = given.items()
        self.unit = 'epochs' if name == 'num_last_epochs' else 'iterations'
        hint = '; to mix to the end, leave StopMixingHook out'
        check_number(name, self.number, '[1, inf)', whole=True, hint=hint)
        self._pipelines_stopped = False
        self._model_stopped = False

    def before_train(self, runner: Runner) -> None:
        """Check that the number fits the run, and that there is any mixing.

        Raises:
            ValueError: If the loop does not count epochs, or nothing would be mixed.
        """
        by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        if by_iter and self.unit == 'epochs':
            raise ValueError(
                'For a loop that counts no epochs, use StopMixingHook with '
                f'`num_last_iters`: got a {type(runner.train_loop).__name__}.'
            )
        switches = find_switches(runner.train_dataloader.dataset)
        if not switches and not mixing_modules(runner):
            runner.logger.warning(
                'StopMixingHook has found nothing to switch off: neither the train '
                'pipeline nor the model mixes.'
            )
        length = runner.max_epochs if self.unit == 'epochs' else runner.max_iters
        # The workers of an iteration-based loop start before any hook is called.
        loaded = load_ahead(runner) if by_iter and switches else 0
        longest = length - max(loaded, 1)
        if self.number > longest:
            why = f' and {loaded} batches are loaded ahead' if loaded else ''
            raise ValueError(
                f'Give StopMixingHook at most the last {longest} {self.unit}, not '
                f'{self.number}, as the run has {length}{why}; for a run without '
                'mixing, use `prob=0` or the plain config.'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Stop the pipelines, also of a resumed run before it skips old batches."""
        # Another hook may have put a new pipeline in place of a stopped one.
        self._pipelines_stopped = False
        self._stop_pipelines_if_due(runner, runner.iter)

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Stop the model now, and the pipelines for the batches to be asked for."""
        self._stop_pipelines_if_due(runner, runner.iter + 1)
        if not self._model_stopped and self._reached(runner, runner.iter):
            self._model_stopped = True
            for module in mixing_modules(runner):
                module.mixing = False
            runner.logger.info(
                f'Mixing has stopped: the last {self.number} {self.unit} train unmixed.'
            )

    def _stop_pipelines_if_due(self, runner: Runner, next_iter: int) -> None:
        """Turn transforms off, unless there is another chance to do so in time.

        That is the next call, before ``next_iter``. By then, the loader may have been
        asked for batches up to ``next_iter + load_ahead``.
        """
        asked = next_iter + load_ahead(runner)
        if not self._pipelines_stopped and self._reached(runner, asked):
            self._pipelines_stopped = True
            for switch in find_switches(runner.train_dataloader.dataset):
                switch.turn_off()

    def _reached(self, runner: Runner, iteration: int) -> bool:
        """Whether an iteration is one of the last; epochs need no look ahead."""
        if self.unit == 'epochs':
            return runner.epoch >= runner.max_epochs - self.number
        return iteration >= runner.max_iters - self.number


def mixing_modules(runner: Runner) -> List[Any]:
    """The modules of the model that say by a boolean ``mixing`` whether they mix."""
    modules = runner.model.modules()
    return [m for m in modules if isinstance(getattr(m, 'mixing', None), bool)]


def load_ahead(runner: Runner) -> int:
    """How many batches the training loader asks its workers for in advance."""
    loader = runner.train_dataloader
    return loader.num_workers * (loader.prefetch_factor or 0)
