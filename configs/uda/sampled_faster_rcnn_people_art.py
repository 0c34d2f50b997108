# Sampled LossMix in place of LossMix.
_base_ = 'lossmix_adaptation_faster_rcnn_people_art.py'

model = dict(adaptation_mix=dict(strategy='sampled'))
