# All of LossMix on a generated shift of domains; `_base_/demo.py` says how to draw it.
_base_ = ['_base_/thin_fcos_gn.py', '_base_/demo.py']

model = dict(
    _delete_=True,
    type='LossMixTeacher',
    detector=_base_.model,
    burn_in_iters=_base_.burn_in_iters,
    # In so short a training every second batch is enough of it.
    warmup_mix=dict(max_share=0.15, prob=0.5),
    adaptation_mix=dict(strategy='lossmix', inter_share=0.5, prob=0.5),
    # Scores of a sigmoid times a centerness are low: from 0.25, half of the labels are
    # right. Many images have none; as background they would undo the burn-in.
    pseudo_labels=dict(score_thr=0.25, without='ignored'),
    pseudo_policy=dict(losses='classification', weight=1.0),
    discriminator=dict(in_channels=128, weight=0.1, ramp_iters=200),
    keep_rate=0.99,  # a short run cannot wait for 0.9996
)
