# VOC persons -> People-Art: LossMix in the adaptation, from a detector of the source.
_base_ = ['_base_/lite0_fcos_person.py', '_base_/people_art_adaptation.py']

model = dict(
    _delete_=True,
    detector=_base_.model,
    # Scores of a sigmoid times a centerness are low: labels are chosen by the first
    # alone, and train the second, too. Many images have none.
    pseudo_labels=dict(score_thr=0.5, class_score=True, without='ignored'),
    pseudo_policy=dict(
        losses=dict(loss_cls=True, loss_bbox=False, loss_centerness=True),
        weight=0.5,
        ramp_iters=200,
    ),
    **_base_.adaptation,
)
