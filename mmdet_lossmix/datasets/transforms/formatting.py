"""Packing of mixed images."""

from mmdet.datasets.transforms import PackDetInputs
from mmdet.registry import TRANSFORMS

from mmdet_lossmix.structures import attach_partner

from .frame_guard import check_frame


@TRANSFORMS.register_module()
class PackLossMixInputs(PackDetInputs):
    """``PackDetInputs`` that packs the partner's target as well.

    Use it instead of ``PackDetInputs`` after :class:`LossMixTransform`. An image that
    was not mixed is packed as ``PackDetInputs`` would.

    Args:
        meta_keys (Sequence[str], optional): See ``PackDetInputs``.
    """

    def transform(self, results: dict) -> dict:
        """Pack the image, its own target, and the partner's.

        Args:
            results (dict): Result dict of the pipeline.

        Returns:
            dict:

            - 'inputs' (obj:`torch.Tensor`): The image, shape (C, H, W).
            - 'data_samples' (obj:`DetDataSample`): The own target; of a mixed image
              also ``partner`` (:obj:`DetDataSample`) and ``mix_lambda`` (float).

        Raises:
            ValueError: If the image was moved after it had been mixed.
        """
        packed = super().transform(results)
        if 'partner' in results:
            check_frame(results)
            partner = dict(
                results['partner'],
                img_shape=results['img_shape'],
                img_path=results['partner_img_path'],
            )
            attach_partner(
                packed['data_samples'],
                super().transform(partner)['data_samples'],
                results['mix_lambda'],
            )
        return packed
