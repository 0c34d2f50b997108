# VOC persons -> People-Art: LossMix in the adaptation, from a detector of the source.
_base_ = ['_base_/lite0_faster_rcnn_person.py', '_base_/people_art_adaptation.py']

model = dict(
    _delete_=True,
    type='LossMixTeacher',
    detector=_base_.model,
    burn_in_iters=0,
    adaptation_mix=dict(strategy='lossmix', inter_share=0.5, prob=0.5),
    pseudo_labels=dict(score_thr=0.8, without='background'),
    pseudo_policy=dict(losses='classification', weight=0.5, ramp_iters=200),
    # At a stride of 16, where most of the objects are detected.
    discriminator=dict(in_channels=112, level=1, weight=0.1, ramp_iters=200),
    keep_rate=_base_.keep_rate,
)
