"""Some images of a batch, of tensors that were computed for all at once."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.utils._pytree import tree_flatten, tree_map

Images = Union[int, Tuple[int, ...]]


class Origin(NamedTuple):
    """Where a slice comes from: which images of a batch, along the first dimension."""

    batch: Tensor
    image: Images


class ImageSlices:
    """Slices tensors of a batch of N images into images, and knows its slices again."""

    def __init__(self, num_images: int) -> None:
        self.num_images = num_images
        self._origins: Dict[int, Origin] = {}
        self._pieces: Dict[int, Tuple[Tensor, List[Tensor]]] = {}
        self._parts: Dict[Tuple[int, Images], Tensor] = {}

    def take(self, nest: Any, images: Images) -> Any:
        """The part of an image in [0, N), or of several, of all tensors in a nest.

        Tensors with N rows become ones with a row for each image, those with k * N rows
        (of the k branches of TridentNet) ones with k.
        """

        def part(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor):
                return leaf
            if isinstance(images, int):
                return self._split(leaf)[images]
            return self._several(leaf, images)

        return tree_map(part, nest)

    def _several(self, batch: Tensor, images: Tuple[int, ...]) -> Tensor:
        key = id(batch), images
        if key not in self._parts:
            starts = range(0, len(batch), self.num_images)
            part = batch[[start + i for start in starts for i in images]]
            self._parts[key] = part
            self._origins[id(part)] = Origin(batch, images)
        return self._parts[key]

    def _split(self, batch: Tensor) -> List[Tensor]:
        if id(batch) not in self._pieces:
            if len(batch) == self.num_images:
                # One operation: its backward puts the gradients of all images together
                # once, that of N slicings would add N tensors as large as the batch.
                pieces = list(batch.split(1))
            else:
                pieces = [batch[i :: self.num_images] for i in range(self.num_images)]
            # Kept alive, so that nothing else gets an id of theirs.
            self._pieces[id(batch)] = batch, pieces
            for i, piece in enumerate(pieces):
                self._origins[id(piece)] = Origin(batch, i)
        return self._pieces[id(batch)][1]

    def origins(self, leaves: List[Any]) -> Optional[List[Origin]]:
        """Where a call's arguments come from, if all are feature maps of one image."""
        origins = [self._origins.get(id(leaf)) for leaf in leaves]
        known = [o for o in origins if o is not None and self._is_map(o.batch)]
        one_image = len({origin.image for origin in known}) == 1
        return known if one_image and len(known) == len(leaves) else None

    def are_maps(self, nest: Any) -> bool:
        """Whether a nest holds nothing but feature maps (N, C, H, W)."""
        return all(map(self._is_map, tree_flatten(nest)[0]))

    def _is_map(self, leaf: Any) -> bool:
        is_map = isinstance(leaf, Tensor) and leaf.ndim == 4
        return is_map and len(leaf) == self.num_images


def treats_images_alone(stage: nn.Module) -> bool:
    """Whether a stage computes the same for an image alone as within a batch.

    Batch normalisation in training looks at other images, and dropout draws anew for
    each call.
    """
    return not any(m.training and _couples_images(m) for m in stage.modules())


def _couples_images(module: nn.Module) -> bool:
    # The SyncBatchNorm of mmcv and detectron2 are no `_BatchNorm`.
    by_name = any(part in type(module).__name__ for part in ('SyncB', 'DropPath'))
    return by_name or isinstance(module, (_BatchNorm, _DropoutNd))
