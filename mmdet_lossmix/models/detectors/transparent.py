"""What makes a wrapper pass for the detector inside: for hooks, tools, checkpoints."""

from typing import Any, Iterator, Optional, Set, Tuple, Union

from mmdet.models.detectors.base import BaseDetector, ForwardResults
from mmdet.structures import OptSampleList, SampleList
from mmdet.utils import OptMultiConfig
from torch import Tensor, nn

from .plain_keys import keep_plain_keys


class TransparentWrapper(BaseDetector):
    """A detector that holds another one, and passes for it.

    Inference, attributes that others read or set, the names of parameters and modules,
    and the keys of checkpoints are those of the wrapped detector. Subclasses add what
    they do differently, as methods; attributes that they assign later have to be
    assigned in ``__init__``, before :meth:`_wrap`.

    Args:
        detector (:obj:`BaseDetector`): Its ``data_preprocessor`` is shared.
        init_cfg (dict, optional): See ``BaseModule``. Defaults to None.
    """

    def __init__(self, detector: BaseDetector, init_cfg: OptMultiConfig = None) -> None:
        super().__init__(detector.data_preprocessor, init_cfg)

    def _wrap(self, detector: BaseDetector) -> None:
        """Become ``detector``, as far as others can see; the last step of a build."""
        self.detector = detector
        keep_plain_keys(self, 'detector')

    def __getattr__(self, name: str) -> Any:
        """Look up in the wrapped detector what the wrapper itself does not have."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == 'detector':  # not there yet
                raise
            return getattr(self.detector, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set on the wrapped detector what the wrapper itself does not have.

        Where code sets an attribute (``model.test_cfg``, ``model.cfg``, a replaced
        ``model.neck``), the detector is who reads it.
        """
        if 'detector' in self.__dict__.get('_modules', ()) and not self._owns(name):
            setattr(self.detector, name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Delete where :meth:`__setattr__` sets."""
        if self._owns(name):
            super().__delattr__(name)
        else:
            delattr(self.detector, name)

    def _owns(self, name: str) -> bool:
        """Whether an attribute is the wrapper's: a method, or assigned when built.

        Private ones are what torch and mmengine note about each module by itself.
        """
        places = (self.__dict__, self._modules, self._parameters, self._buffers)
        own = hasattr(type(self), name) or any(name in place for place in places)
        return own or name.startswith('_')

    def named_modules(
        self,
        memo: Optional[Set[nn.Module]] = None,
        prefix: str = '',
        remove_duplicate: bool = True,
    ) -> Iterator[Tuple[str, nn.Module]]:
        """Yield the names of the wrapped detector, as checkpoints have them.

        ``named_parameters`` and ``named_buffers`` follow. Layer-wise learning rates go
        by ``name.startswith('backbone.')``, and ``SyncNormHook`` makes keys of names.
        """
        memo = set() if memo is None else memo
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            yield prefix, self
            yield from self.detector.named_modules(memo, prefix, remove_duplicate)

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: SampleList, **kwargs: Any
    ) -> SampleList:
        """The wrapped detector's ``predict``."""
        return self.detector.predict(batch_inputs, batch_data_samples, **kwargs)

    def _forward(
        self, batch_inputs: Tensor, batch_data_samples: OptSampleList = None
    ) -> ForwardResults:
        return self.detector._forward(batch_inputs, batch_data_samples)

    def extract_feat(self, batch_inputs: Tensor) -> Union[Tensor, Tuple[Tensor, ...]]:
        """The wrapped detector's ``extract_feat``."""
        return self.detector.extract_feat(batch_inputs)
