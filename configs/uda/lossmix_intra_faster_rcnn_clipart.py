# Adaptation mixes within domains only.
_base_ = 'lossmix_faster_rcnn_clipart.py'

model = dict(adaptation_mix=dict(inter_share=0.0))
