# Adaptation mixes within domains only.
_base_ = 'demo_lossmix_faster_rcnn.py'

model = dict(adaptation_mix=dict(inter_share=0.0))
