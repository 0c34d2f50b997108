# VOC -> Clipart1k: all of LossMix, burn-in and adaptation, within and across domains.
# The other variants of the ablation (docs/uda.md) are a line away from this one.
_base_ = [
    '_base_/faster_rcnn_r101_fpn.py',
    '_base_/voc_to_clipart.py',
    '_base_/schedule.py',
]

model = dict(
    _delete_=True,
    type='LossMixTeacher',
    detector=_base_.model,
    burn_in_iters=_base_.burn_in_iters,
    warmup_mix=dict(max_share=0.3),
    adaptation_mix=dict(strategy='lossmix', inter_share=0.5),
    pseudo_labels=dict(score_thr=0.8, without='background'),
    pseudo_policy=dict(losses='classification', weight=1.0),
    discriminator=dict(in_channels=2048, weight=0.1, ramp_iters=5000),
    keep_rate=0.9996,
)
