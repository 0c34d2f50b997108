"""The architectures that mmdet ships: one config for each, and its targets."""

from typing import Dict, NamedTuple, Optional, Tuple

from tests.helpers.thin_detectors import localize, shipped_model_cfg, thin_out


class Architecture(NamedTuple):
    """A detector of mmdet, and the batches it wants.

    Attributes:
        config (str): One of mmdet's, without ``.py``.
        masks (bool): Whether its objects have masks.
        stuff (tuple[int, int], optional): The range of classes of its semantic map.
        size (int): Of the images.
        narrower (int): By how much the second image is narrower than the first.
        num_proposals (int): Given with each image.
    """

    config: str
    masks: bool = False
    stuff: Optional[Tuple[int, int]] = None
    size: int = 128
    narrower: int = 16
    num_proposals: int = 0

    def model_cfg(self, thin: bool = True) -> dict:
        """Its config, such that it trains on one CPU without downloads.

        Args:
            thin (bool): Whether to divide the widths of the backbone and what is on top
                of it. Not all architectures can be built then. Defaults to True.
        """
        model = shipped_model_cfg(f'{self.config}.py')
        model['data_preprocessor'].pop('batch_augments', None)
        localize(model)
        if thin:
            thin_out(model)
        return model


ARCHITECTURES: Dict[str, Architecture] = {
    # Two stages and more
    'Faster R-CNN': Architecture('faster_rcnn/faster-rcnn_r50_fpn_1x_coco'),
    'Mask R-CNN': Architecture('mask_rcnn/mask-rcnn_r50_fpn_1x_coco', masks=True),
    'Cascade R-CNN': Architecture('cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco'),
    'Cascade Mask R-CNN': Architecture(
        'cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco', masks=True
    ),
    'HTC': Architecture('htc/htc_r50_fpn_1x_coco', masks=True, stuff=(0, 183)),
    'SCNet': Architecture('scnet/scnet_r50_fpn_1x_coco', masks=True, stuff=(0, 183)),
    'Dynamic R-CNN': Architecture('dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco'),
    'Grid R-CNN': Architecture('grid_rcnn/grid-rcnn_r50_fpn_gn-head_1x_coco'),
    'Libra R-CNN': Architecture('libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco'),
    'Double-Head R-CNN': Architecture('double_heads/dh-faster-rcnn_r50_fpn_1x_coco'),
    'Mask Scoring R-CNN': Architecture(
        'ms_rcnn/ms-rcnn_r50-caffe_fpn_1x_coco', masks=True
    ),
    'PointRend': Architecture(
        'point_rend/point-rend_r50-caffe_fpn_ms-1x_coco', masks=True
    ),
    'PISA': Architecture('pisa/faster-rcnn_r50_fpn_pisa_1x_coco'),
    'SABL': Architecture('sabl/sabl-faster-rcnn_r50_fpn_1x_coco'),
    'Guided Anchoring': Architecture('guided_anchoring/ga-faster-rcnn_r50_fpn_1x_coco'),
    'Cascade RPN': Architecture(
        'cascade_rpn/cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco'
    ),
    'CrowdDet': Architecture('crowddet/crowddet-rcnn_r50_fpn_8xb2-30e_crowdhuman'),
    'DetectoRS': Architecture('detectors/detectors_cascade-rcnn_r50_1x_coco'),
    'GRoIE': Architecture('groie/faste-rcnn_r50_fpn_groie_1x_coco'),
    'TridentNet': Architecture('tridentnet/tridentnet_r50-caffe_1x_coco', size=64),
    'Panoptic FPN': Architecture(
        'panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco', masks=True, stuff=(0, 54)
    ),
    'RPN': Architecture('rpn/rpn_r50_fpn_1x_coco'),
    'Fast R-CNN': Architecture('fast_rcnn/fast-rcnn_r50_fpn_1x_coco', num_proposals=40),
    # One stage
    'RetinaNet': Architecture('retinanet/retinanet_r50_fpn_1x_coco'),
    'FCOS': Architecture('fcos/fcos_r50-caffe_fpn_gn-head_1x_coco'),
    'ATSS': Architecture('atss/atss_r50_fpn_1x_coco'),
    'DyHead': Architecture('dyhead/atss_r50_fpn_dyhead_1x_coco'),
    'GFL': Architecture('gfl/gfl_r50_fpn_1x_coco'),
    'LD': Architecture('ld/ld_r18-gflv1-r101_fpn_1x_coco'),
    'PAA': Architecture('paa/paa_r50_fpn_1x_coco'),
    'LAD': Architecture('lad/lad_r50-paa-r101_fpn_2xb8_coco_1x', size=192),
    'TOOD': Architecture('tood/tood_r50_fpn_1x_coco'),
    'VFNet': Architecture('vfnet/vfnet_r50_fpn_1x_coco'),
    'DDOD': Architecture('ddod/ddod_r50_fpn_1x_coco', size=384),
    'FoveaBox': Architecture('foveabox/fovea_r50_fpn_4xb4-1x_coco'),
    'FreeAnchor': Architecture('free_anchor/freeanchor_r50_fpn_1x_coco'),
    'FSAF': Architecture('fsaf/fsaf_r50_fpn_1x_coco'),
    'RepPoints': Architecture('reppoints/reppoints-moment_r50_fpn_1x_coco'),
    'AutoAssign': Architecture('autoassign/autoassign_r50-caffe_fpn_1x_coco'),
    'NAS-FCOS': Architecture(
        'nas_fcos/nas-fcos_r50-caffe_fpn_nashead-gn-head_4xb4-1x_coco'
    ),
    'NAS-FPN': Architecture('nas_fpn/retinanet_r50_nasfpn_crop640-50e_coco'),
    'GHM': Architecture('ghm/retinanet_r50_fpn_ghm-1x_coco'),
    'PISA RetinaNet': Architecture('pisa/retinanet-r50_fpn_pisa_1x_coco'),
    'SABL RetinaNet': Architecture('sabl/sabl-retinanet_r50_fpn_1x_coco'),
    'GA-RetinaNet': Architecture('guided_anchoring/ga-retinanet_r50_fpn_1x_coco'),
    'EfficientNet': Architecture(
        'efficientnet/retinanet_effb3_fpn_8xb4-crop896-1x_coco', size=256
    ),
    'YOLOF': Architecture('yolof/yolof_r50-c5_8xb8-1x_coco'),
    'YOLOv3': Architecture('yolo/yolov3_mobilenetv2_8xb24-320-300e_coco'),
    'YOLOX': Architecture('yolox/yolox_tiny_8xb8-300e_coco'),
    'RTMDet': Architecture('rtmdet/rtmdet_tiny_8xb32-300e_coco'),
    'RTMDet-Ins': Architecture(
        'rtmdet/rtmdet-ins_tiny_8xb32-300e_coco', masks=True, narrower=0
    ),
    'SSD': Architecture('ssd/ssd300_coco', size=300, narrower=0),
    'SSDLite': Architecture(
        'ssd/ssdlite_mobilenetv2-scratch_8xb24-600e_coco', size=320
    ),
    'CenterNet': Architecture('centernet/centernet_r18_8xb16-crop512-140e_coco'),
    'CenterNet-update': Architecture(
        'centernet/centernet-update_r50_fpn_8xb8-amp-lsj-200e_coco'
    ),
    'CornerNet': Architecture('cornernet/cornernet_hourglass104_8xb6-210e-mstest_coco'),
    'CentripetalNet': Architecture(
        'centripetalnet/centripetalnet_hourglass104_16xb6-crop511-210e-mstest_coco'
    ),
    # Masks in one stage
    'SOLO': Architecture('solo/solo_r50_fpn_1x_coco', masks=True),
    'Decoupled SOLO': Architecture('solo/decoupled-solo_r50_fpn_1x_coco', masks=True),
    'SOLOv2': Architecture('solov2/solov2_r50_fpn_1x_coco', masks=True),
    'YOLACT': Architecture('yolact/yolact_r50_1xb8-55e_coco', masks=True, narrower=0),
    'CondInst': Architecture(
        'condinst/condinst_r50_fpn_ms-poly-90k_coco_instance', masks=True
    ),
    'BoxInst': Architecture('boxinst/boxinst_r50_fpn_ms-90k_coco', masks=True),
    'MaskFormer': Architecture(
        'maskformer/maskformer_r50_ms-16xb1-75e_coco', masks=True, stuff=(80, 133)
    ),
    'Mask2Former': Architecture(
        'mask2former/mask2former_r50_8xb2-lsj-50e_coco', masks=True
    ),
    'Mask2Former panoptic': Architecture(
        'mask2former/mask2former_r50_8xb2-lsj-50e_coco-panoptic',
        masks=True,
        stuff=(80, 133),
    ),
    # Queries
    'DETR': Architecture('detr/detr_r50_8xb2-150e_coco'),
    'Conditional DETR': Architecture(
        'conditional_detr/conditional-detr_r50_8xb2-50e_coco'
    ),
    'DAB-DETR': Architecture('dab_detr/dab-detr_r50_8xb2-50e_coco'),
    'Deformable DETR': Architecture(
        'deformable_detr/deformable-detr_r50_16xb2-50e_coco'
    ),
    'Deformable DETR, two stages': Architecture(
        'deformable_detr/deformable-detr-refine-twostage_r50_16xb2-50e_coco'
    ),
    'DINO': Architecture('dino/dino-4scale_r50_8xb2-12e_coco'),
    'DDQ': Architecture('ddq/ddq-detr-4scale_r50_8xb2-12e_coco'),
    'Sparse R-CNN': Architecture('sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco'),
    'QueryInst': Architecture('queryinst/queryinst_r50_fpn_1x_coco', masks=True),
    'Grounding DINO': Architecture(
        'grounding_dino/grounding_dino_swin-t_finetune_16xb2_1x_coco'
    ),
    'GLIP': Architecture('glip/glip_atss_swin-t_a_fpn_dyhead_16xb2_ms-2x_funtune_coco'),
}
