# VOC persons -> People-Art: LossMix in the adaptation, from a detector of the source.
_base_ = ['_base_/lite0_faster_rcnn_person.py', '_base_/people_art_adaptation.py']

model = dict(
    _delete_=True,
    detector=_base_.model,
    pseudo_labels=dict(score_thr=0.8, without='background'),
    pseudo_policy=dict(losses='classification', weight=0.5, ramp_iters=200),
    **_base_.adaptation,
)
